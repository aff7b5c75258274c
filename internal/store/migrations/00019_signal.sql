-- +goose Up

-- How the identity provider names a session and whose it is, in its ID token: by that it tells later that it is over. Empty
-- where it did not say, and in rows of before until their next refresh.
ALTER TABLE session ADD COLUMN id_subject TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN sid TEXT NOT NULL DEFAULT '';
CREATE INDEX session_id_subject ON session (issuer, id_subject);
CREATE INDEX session_sid ON session (issuer, sid);

-- What the identity provider calls a person besides. email is one that it has verified.
ALTER TABLE person ADD COLUMN id_subject TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN email TEXT NOT NULL DEFAULT '';
CREATE INDEX person_id_subject ON person (issuer, id_subject);

-- Signals that were acted upon, by hash, for as long as somebody could send them again.
CREATE TABLE signal_seen (
    id       TEXT PRIMARY KEY,
    until_at BIGINT NOT NULL
);
CREATE INDEX signal_seen_until ON signal_seen (until_at);
