-- +goose Up

-- Whose a session is, so that it can be found by that. Sessions of before do not tell: they end.
DELETE FROM session;
ALTER TABLE session ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE INDEX session_person ON session (issuer, subject);
CREATE INDEX session_seen ON session (seen_at);

-- What was issued until then counts no more. kind: everything, organisation (name is its id), person (name is the subject).
CREATE TABLE cut (
    kind   TEXT NOT NULL,
    issuer TEXT NOT NULL,
    name   TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (kind, issuer, name)
);
