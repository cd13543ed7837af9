DROP TABLE consent_states;
DROP TABLE connection_secrets;
DROP TABLE connections;
DROP TABLE oauth_consumers;
