//! The tables of installations, their secrets and the queue; `schema` joins them with the others.
#![expect(missing_docs, reason = "the columns are explained in the migrations")]

diesel::table! {
    install_codes (code) {
        code -> Text,
        workspace_id -> Text,
        created_at -> Timestamp,
        replaced_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    bitbucket_workspaces (uuid) {
        uuid -> Text,
        slug -> Nullable<Text>,
        name -> Nullable<Text>,
        described_at -> Nullable<Timestamp>,
        members_read_at -> Nullable<Timestamp>,
        members_error -> Nullable<Text>,
    }
}

diesel::table! {
    installations (id) {
        id -> Text,
        door -> Text,
        client_key -> Text,
        bitbucket_workspace_uuid -> Text,
        workspace_id -> Nullable<Text>,
        install_code -> Nullable<Text>,
        state -> Text,
        is_registered -> Bool,
        secret -> Nullable<Text>,
        previous_secret -> Nullable<Text>,
        secret_changed_at -> Nullable<Timestamp>,
        reported_installer -> Nullable<Text>,
        installed_at -> Timestamp,
        confirmed_by -> Nullable<Text>,
        confirmed_at -> Nullable<Timestamp>,
        uninstalled_at -> Nullable<Timestamp>,
        entry_shown -> Bool,
        entry_error -> Nullable<Text>,
        last_event_at -> Nullable<Timestamp>,
        last_event -> Nullable<Text>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<Timestamp>,
        refused_since -> Nullable<Timestamp>,
        missing_scopes -> Nullable<Text>,
        clock_skew_seconds -> Nullable<Integer>,
        removal -> Nullable<Text>,
        removal_error -> Nullable<Text>,
        environment -> Nullable<Text>,
        called_at -> Nullable<Timestamp>,
        system_token -> Nullable<Text>,
        system_token_expires_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    purges (workspace_id, bitbucket_workspace_uuid) {
        workspace_id -> Text,
        bitbucket_workspace_uuid -> Text,
        begun_at -> Timestamp,
        deleted -> Text,
        proven_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    claim_links (token_hash) {
        token_hash -> Text,
        installation_id -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    spent_tokens (fingerprint) {
        fingerprint -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    seal_check (id) {
        id -> Integer,
        sealed -> Text,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        payload -> Text,
        deduplication_key -> Nullable<Text>,
        run_at -> Timestamp,
        attempts -> Integer,
        locked_until -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
        failed_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    allowed_operations (workspace_id, what) {
        workspace_id -> Text,
        what -> Text,
        allowed_by -> Text,
        allowed_at -> Timestamp,
    }
}
