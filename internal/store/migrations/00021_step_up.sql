-- +goose Up

-- What a role requires of the sign-in of whoever uses it; classes is a JSON list, max_age in seconds. No reference: a replica of the
-- version before replaces the rows of role, and must not take this along.
CREATE TABLE role_requirement (
    role_id TEXT PRIMARY KEY,
    classes TEXT NOT NULL,
    max_age BIGINT NOT NULL
);
