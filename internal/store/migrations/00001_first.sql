-- One set for both engines. BIGINT times are milliseconds since 1970, 0 for none; absent text is ''; JSON is TEXT.

-- +goose Up

CREATE TABLE model (
    id      SMALLINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO model (id, version) VALUES (1, 0);

CREATE TABLE organisation (
    id             TEXT PRIMARY KEY,
    place          BIGINT NOT NULL,
    name           TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    deactivated_at BIGINT NOT NULL
);

CREATE TABLE role (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    permissions TEXT NOT NULL,
    delegation  TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    modified_by TEXT NOT NULL,
    revision    BIGINT NOT NULL
);

CREATE TABLE iam_role (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    modified_by TEXT NOT NULL,
    revision    BIGINT NOT NULL
);

-- No reference to organisation: that one is a mirror, and a mapping outlives what Core no longer lists.
CREATE TABLE mapping (
    iam_role_id     TEXT NOT NULL REFERENCES iam_role (id) ON DELETE CASCADE,
    organisation_id TEXT NOT NULL,
    place           BIGINT NOT NULL,
    role_id         TEXT NOT NULL REFERENCES role (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (iam_role_id, organisation_id, place)
);
CREATE INDEX mapping_role ON mapping (role_id);

CREATE TABLE session (
    ref                 TEXT PRIMARY KEY,
    hash                TEXT NOT NULL UNIQUE,
    previous_hash       TEXT NOT NULL,
    previous_until      BIGINT NOT NULL,
    principal           TEXT NOT NULL,
    sealed              BYTEA NOT NULL,
    active_organisation TEXT NOT NULL,
    created_at          BIGINT NOT NULL,
    seen_at             BIGINT NOT NULL,
    ends_at             BIGINT NOT NULL,
    version             BIGINT NOT NULL
);
CREATE INDEX session_previous ON session (previous_hash);

CREATE TABLE flow (
    id          TEXT PRIMARY KEY,
    session_ref TEXT NOT NULL,
    until_at    BIGINT NOT NULL
);
CREATE INDEX flow_until ON flow (until_at);

CREATE TABLE person (
    issuer      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    given_name  TEXT NOT NULL,
    family_name TEXT NOT NULL,
    login       TEXT NOT NULL,
    iam_roles   TEXT NOT NULL,
    seen_at     BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX person_seen ON person (seen_at);

CREATE TABLE key_ring (
    id       SMALLINT PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL
);
INSERT INTO key_ring (id, revision) VALUES (1, 0);

CREATE TABLE signing_key (
    kid          TEXT PRIMARY KEY,
    state        TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    public       BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT NOT NULL,
    retired_at   BIGINT NOT NULL
);

-- place counts the entries within one millisecond, in the order in which they were stored.
CREATE TABLE history (
    id              TEXT PRIMARY KEY,
    created_at      BIGINT NOT NULL,
    place           BIGINT NOT NULL,
    action          TEXT NOT NULL,
    entity_type     TEXT NOT NULL,
    entity_id       TEXT NOT NULL,
    name            TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    source          TEXT NOT NULL,
    target          TEXT NOT NULL,
    subject         TEXT NOT NULL,
    metadata        TEXT NOT NULL
);
CREATE INDEX history_created ON history (created_at, place, id);
CREATE INDEX history_action ON history (action, created_at);
CREATE INDEX history_entity_type ON history (entity_type, created_at);
CREATE INDEX history_entity ON history (entity_id, created_at);
CREATE INDEX history_organisation ON history (organisation_id, created_at);
CREATE INDEX history_source ON history (source, created_at);
CREATE INDEX history_subject ON history (subject, created_at);

-- The embedded Core's organisations. folded is the name in lower case, by the rules of Go: the engines' own differ.
CREATE TABLE core_organisation (
    id                     TEXT PRIMARY KEY,
    name                   TEXT NOT NULL UNIQUE,
    folded                 TEXT NOT NULL,
    created_at             BIGINT NOT NULL,
    modified_at            BIGINT NOT NULL,
    deactivated_at         BIGINT NOT NULL,
    wallet_provider        TEXT NOT NULL,
    wallet_provider_issuer TEXT NOT NULL
);
CREATE UNIQUE INDEX core_organisation_wallet_provider ON core_organisation (wallet_provider) WHERE wallet_provider <> '';
