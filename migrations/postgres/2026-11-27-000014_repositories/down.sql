DROP TABLE repository_proposals;
DROP TABLE repository_listings;
DROP TABLE repository_rules;
DROP TABLE repositories;
