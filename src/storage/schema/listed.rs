//! The tables of repositories and which of them are chosen; `schema` joins them with the others.
#![expect(missing_docs, reason = "the columns are explained in the migrations")]

diesel::table! {
    repositories (workspace_id, uuid) {
        workspace_id -> Text,
        uuid -> Text,
        bitbucket_workspace_uuid -> Text,
        full_name -> Text,
        name -> Text,
        folded -> Text,
        project_key -> Text,
        project_name -> Nullable<Text>,
        is_private -> Bool,
        default_branch -> Nullable<Text>,
        is_chosen -> Bool,
        decided_by -> Nullable<Text>,
        decided_at -> Timestamp,
        listed_at -> Timestamp,
        gone_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    repository_rules (workspace_id, bitbucket_workspace_uuid, project_key) {
        workspace_id -> Text,
        bitbucket_workspace_uuid -> Text,
        project_key -> Text,
        includes_new -> Bool,
        set_by -> Text,
        set_at -> Timestamp,
    }
}

diesel::table! {
    repository_listings (workspace_id, bitbucket_workspace_uuid) {
        workspace_id -> Text,
        bitbucket_workspace_uuid -> Text,
        begun_at -> Timestamp,
        is_under_way -> Bool,
        found -> Integer,
        listed_at -> Nullable<Timestamp>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    repository_proposals (id) {
        id -> Text,
        workspace_id -> Text,
        bitbucket_workspace_uuid -> Text,
        full_name -> Text,
        is_to_be_chosen -> Bool,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        decision -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}
