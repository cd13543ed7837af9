//! The tables of connections by OAuth and by tokens; `schema` joins them with the others.
#![expect(missing_docs, reason = "the columns are explained in the migrations")]

diesel::table! {
    oauth_consumers (id) {
        id -> Text,
        workspace_id -> Text,
        client_id -> Text,
        client_secret -> Text,
        may_act_alone -> Bool,
        entered_by -> Text,
        entered_at -> Timestamp,
        replaced_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    connections (id) {
        id -> Text,
        workspace_id -> Text,
        bitbucket_workspace_uuid -> Nullable<Text>,
        kind -> Text,
        member_id -> Nullable<Text>,
        consumer_id -> Nullable<Text>,
        name -> Text,
        account_id -> Nullable<Text>,
        scopes -> Nullable<Text>,
        expires_at -> Nullable<Timestamp>,
        purposes -> Text,
        reach -> Text,
        reach_name -> Nullable<Text>,
        restricted_to -> Nullable<Text>,
        default_branch -> Nullable<Text>,
        state -> Text,
        failing_call -> Nullable<Text>,
        failing_code -> Nullable<Text>,
        failed_at -> Nullable<Timestamp>,
        missing_scopes -> Nullable<Text>,
        created_by -> Text,
        created_at -> Timestamp,
        refreshed_at -> Nullable<Timestamp>,
        disconnected_at -> Nullable<Timestamp>,
        ending -> Nullable<Text>,
        is_administrator -> Bool,
    }
}

diesel::table! {
    connection_secrets (connection_id) {
        connection_id -> Text,
        access_token -> Text,
        email -> Nullable<Text>,
        refresh_token -> Nullable<Text>,
        previous_refresh_token -> Nullable<Text>,
        previous_refresh_until -> Nullable<Timestamp>,
        refreshes -> Integer,
        lease -> Nullable<Text>,
        leased_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    connection_listening (connection_id) {
        connection_id -> Text,
        way -> Text,
        code -> Nullable<Text>,
        due_at -> Timestamp,
        leased_until -> Nullable<Timestamp>,
        workspace_refused_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    connection_hooks (id) {
        id -> Text,
        connection_id -> Text,
        place -> Text,
        hook_uuid -> Nullable<Text>,
        secret -> Text,
        secret_made_at -> Timestamp,
        is_told -> Bool,
        previous_secret -> Nullable<Text>,
        previous_until -> Nullable<Timestamp>,
        due_at -> Timestamp,
        failing_code -> Nullable<Text>,
        delivered_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    consent_states (state_hash) {
        state_hash -> Text,
        session_hash -> Text,
        member_id -> Text,
        consumer_id -> Nullable<Text>,
        connection_id -> Nullable<Text>,
        is_own -> Bool,
        purposes -> Text,
        expires_at -> Timestamp,
    }
}
