//! The tables, as both databases have them; a test compares this file with what the migrations make. Used by whoever writes queries.
#![expect(missing_docs, reason = "the columns are explained in the migrations")]

mod grants;
mod installed;
mod listed;

pub use grants::*;
pub use installed::*;
pub use listed::*;

diesel::table! {
    workspaces (id) {
        id -> Text,
        name -> Text,
        quick_action -> Bool,
        created_at -> Timestamp,
    }
}

diesel::table! {
    members (id) {
        id -> Text,
        workspace_id -> Text,
        name -> Text,
        email -> Text,
        email_folded -> Text,
        role -> Text,
        manager_id -> Nullable<Text>,
        created_at -> Timestamp,
        removed_at -> Nullable<Timestamp>,
        name_folded -> Text,
        signed_in_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sign_in_links (token_hash) {
        token_hash -> Text,
        member_id -> Text,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        token_hash -> Text,
        member_id -> Text,
        browser -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Text,
        token_hash -> Text,
        member_id -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sign_in_states (state_hash) {
        state_hash -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    sign_in_choices (secret_hash) {
        secret_hash -> Text,
        account_id -> Text,
        bitbucket_uuid -> Nullable<Text>,
        candidates -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    identities (member_id) {
        member_id -> Text,
        workspace_id -> Text,
        account_id -> Text,
        bitbucket_uuid -> Nullable<Text>,
        bound_by -> Text,
        bound_at -> Timestamp,
        confirmed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    binding_codes (code_hash) {
        code_hash -> Text,
        member_id -> Text,
        workspace_id -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    join_requests (id) {
        id -> Text,
        workspace_id -> Text,
        bitbucket_workspace_uuid -> Text,
        account_id -> Text,
        name -> Text,
        email -> Text,
        pull_request_url -> Text,
        asked_at -> Timestamp,
        decision -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    hidden_panels (workspace_id, account_id) {
        workspace_id -> Text,
        account_id -> Text,
        hidden_at -> Timestamp,
    }
}

diesel::table! {
    attempts (subject) {
        subject -> Text,
        tries -> Integer,
        window_ends_at -> Timestamp,
    }
}

diesel::table! {
    feedback (id) {
        id -> Text,
        workspace_id -> Text,
        author_id -> Text,
        subject_id -> Text,
        body -> Text,
        shared_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        manager_id -> Nullable<Text>,
    }
}

diesel::table! {
    one_on_ones (id) {
        id -> Text,
        workspace_id -> Text,
        creator_id -> Text,
        other_id -> Text,
        held_on -> Date,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    agenda_items (id) {
        id -> Text,
        one_on_one_id -> Text,
        body -> Text,
        added_by -> Text,
        carried_from -> Nullable<Text>,
        done_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    one_on_one_notes (one_on_one_id, member_id) {
        one_on_one_id -> Text,
        member_id -> Text,
        body -> Text,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    requests (id) {
        id -> Text,
        workspace_id -> Text,
        asker_id -> Text,
        asked_id -> Text,
        about_id -> Text,
        question -> Text,
        due_on -> Nullable<Date>,
        state -> Text,
        answer -> Text,
        decided_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    goals (id) {
        id -> Text,
        workspace_id -> Text,
        owner_id -> Text,
        title -> Text,
        why -> Text,
        due_on -> Nullable<Date>,
        progress -> Integer,
        is_public -> Bool,
        closed_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    pull_requests (id) {
        id -> Text,
        workspace_id -> Text,
        url -> Text,
        bitbucket_workspace_uuid -> Nullable<Text>,
        repository_uuid -> Nullable<Text>,
        repository_name -> Nullable<Text>,
        number -> Nullable<BigInt>,
        title -> Nullable<Text>,
        state -> Nullable<Text>,
        author_account_id -> Nullable<Text>,
        reviewers -> Nullable<Text>,
        fetched_at -> Nullable<Timestamp>,
        fetch_error -> Nullable<Text>,
        created_at -> Timestamp,
        polled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    pull_request_people (pull_request_id, account_id, part) {
        pull_request_id -> Text,
        account_id -> Text,
        part -> Text,
    }
}

diesel::table! {
    bitbucket_accounts (workspace_id, account_id) {
        workspace_id -> Text,
        account_id -> Text,
        bitbucket_workspace_uuid -> Text,
        bitbucket_uuid -> Nullable<Text>,
        display_name -> Nullable<Text>,
        nickname -> Nullable<Text>,
        folded -> Text,
        is_workspace_member -> Bool,
        is_not_a_member -> Bool,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    sightings (pull_request_id, member_id) {
        pull_request_id -> Text,
        member_id -> Text,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    links (id) {
        id -> Text,
        workspace_id -> Text,
        pull_request_id -> Text,
        target_kind -> Text,
        target_id -> Text,
        note -> Text,
        created_by -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    detached_links (id) {
        id -> Text,
        workspace_id -> Text,
        created_by -> Text,
        target_kind -> Text,
        target_id -> Text,
        url -> Text,
        note -> Text,
        is_seen -> Bool,
        detached_at -> Timestamp,
    }
}

diesel::table! {
    idempotency_keys (member_id, idempotency_key) {
        member_id -> Text,
        idempotency_key -> Text,
        request_hash -> Text,
        status -> Integer,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    kept_answers (member_id, idempotency_key) {
        member_id -> Text,
        idempotency_key -> Text,
        bitbucket_workspace_uuid -> Nullable<Text>,
        answer -> Text,
    }
}

diesel::table! {
    audit (id) {
        id -> Text,
        workspace_id -> Text,
        at -> Timestamp,
        actor -> Text,
        action -> Text,
        subject -> Text,
        detail -> Text,
    }
}

diesel::joinable!(members -> workspaces (workspace_id));
diesel::joinable!(sign_in_links -> members (member_id));
diesel::joinable!(sessions -> members (member_id));
diesel::joinable!(api_tokens -> members (member_id));
diesel::joinable!(identities -> members (member_id));
diesel::joinable!(binding_codes -> members (member_id));
diesel::joinable!(agenda_items -> one_on_ones (one_on_one_id));
diesel::joinable!(one_on_one_notes -> one_on_ones (one_on_one_id));
diesel::joinable!(pull_requests -> workspaces (workspace_id));
diesel::joinable!(pull_request_people -> pull_requests (pull_request_id));
diesel::joinable!(sightings -> pull_requests (pull_request_id));
diesel::joinable!(links -> pull_requests (pull_request_id));
diesel::joinable!(install_codes -> workspaces (workspace_id));
diesel::joinable!(installations -> bitbucket_workspaces (bitbucket_workspace_uuid));
diesel::joinable!(installations -> workspaces (workspace_id));
diesel::joinable!(claim_links -> installations (installation_id));
diesel::joinable!(connections -> bitbucket_workspaces (bitbucket_workspace_uuid));
diesel::joinable!(connection_secrets -> connections (connection_id));
diesel::joinable!(connection_listening -> connections (connection_id));
diesel::joinable!(connection_hooks -> connections (connection_id));
diesel::joinable!(repository_proposals -> members (proposed_by));
diesel::allow_tables_to_appear_in_same_query!(
    workspaces,
    members,
    sign_in_links,
    sessions,
    api_tokens,
    sign_in_states,
    sign_in_choices,
    identities,
    binding_codes,
    join_requests,
    hidden_panels,
    attempts,
    feedback,
    one_on_ones,
    agenda_items,
    one_on_one_notes,
    requests,
    goals,
    pull_requests,
    pull_request_people,
    bitbucket_accounts,
    sightings,
    links,
    detached_links,
    idempotency_keys,
    kept_answers,
    audit,
    install_codes,
    bitbucket_workspaces,
    installations,
    oauth_consumers,
    connections,
    connection_secrets,
    connection_listening,
    connection_hooks,
    consent_states,
    repositories,
    repository_rules,
    repository_listings,
    repository_proposals,
    purges,
    claim_links,
    spent_tokens,
    seal_check,
    jobs,
);
