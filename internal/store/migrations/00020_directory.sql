-- +goose Up

-- People and groups as the identity provider provisions them (internal/directory). The keys are names without case; attributes
-- is a JSON object of what is kept besides.
CREATE TABLE directory_user (
    id           TEXT PRIMARY KEY,
    user_name    TEXT NOT NULL,
    user_key     TEXT NOT NULL UNIQUE,
    external_id  TEXT NOT NULL,
    display_name TEXT NOT NULL,
    display_key  TEXT NOT NULL,
    active       SMALLINT NOT NULL,
    attributes   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    modified_at  BIGINT NOT NULL,
    revision     BIGINT NOT NULL
);
CREATE UNIQUE INDEX directory_user_external ON directory_user (external_id) WHERE external_id <> '';
CREATE INDEX directory_user_display ON directory_user (display_key);
CREATE INDEX directory_user_inactive ON directory_user (id) WHERE active = 0;
CREATE INDEX directory_user_created ON directory_user (created_at, id);

CREATE TABLE directory_group (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    external_id TEXT NOT NULL,
    members     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    revision    BIGINT NOT NULL
);
CREATE UNIQUE INDEX directory_group_external ON directory_group (external_id) WHERE external_id <> '';
CREATE INDEX directory_group_created ON directory_group (created_at, id);

CREATE TABLE directory_member (
    group_id TEXT NOT NULL REFERENCES directory_group (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES directory_user (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX directory_member_user ON directory_member (user_id);

-- The provisioned group that a mapping was made for, and how it is called now; empty: it is no more. No reference: a replica of
-- the version before replaces the rows of iam_role, and must not take this along.
CREATE TABLE mapping_group (
    iam_role_id TEXT PRIMARY KEY,
    group_id    TEXT NOT NULL,
    group_name  TEXT NOT NULL,
    keeps       SMALLINT NOT NULL
);

INSERT INTO revision (topic, number) VALUES ('directory', 0);
