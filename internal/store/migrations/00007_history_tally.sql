-- +goose Up

-- So that entries are counted by day, action and type from an index alone, all of them or an organisation's.
DROP INDEX history_action;
CREATE INDEX history_action ON history (action, created_at, entity_type, organisation_id);
DROP INDEX history_organisation;
CREATE INDEX history_organisation ON history (organisation_id, created_at, action, entity_type);
