-- +goose Up

-- How often each topic was changed that replicas keep in memory: what they heard is held against it (internal/cluster).
CREATE TABLE revision (
    topic  TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO revision (topic, number) VALUES ('policy', 0), ('keys', 0), ('revocation', 0), ('token', 0), ('session', 0), ('breakglass', 0);

-- One row: the oldest Portico that may run on these tables, by the newest migration that it knows. A migration that those
-- before it can't live with raises it.
CREATE TABLE schema_since (
    id     BIGINT PRIMARY KEY,
    oldest BIGINT NOT NULL
);
INSERT INTO schema_since (id, oldest) VALUES (1, 18);
