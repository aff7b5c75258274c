-- +goose Up

-- When what an IAM role gives in one place ends; recorded is 1 when the history has it that it did.
CREATE TABLE mapping_end (
    iam_role_id     TEXT NOT NULL REFERENCES iam_role (id) ON DELETE CASCADE,
    organisation_id TEXT NOT NULL,
    ends_at         BIGINT NOT NULL,
    recorded        SMALLINT NOT NULL,
    PRIMARY KEY (iam_role_id, organisation_id)
);
