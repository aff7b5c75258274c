-- +goose Up

-- Of what a request deletes, the names by id: JSON.
ALTER TABLE change_request ADD COLUMN names TEXT NOT NULL DEFAULT '{}';

-- Who closed a request, and what a refusal answers. Empty as long as it is open.
ALTER TABLE change_request ADD COLUMN closed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE change_request ADD COLUMN answer TEXT NOT NULL DEFAULT '';
