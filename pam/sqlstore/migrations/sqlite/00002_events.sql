-- +goose Up

-- Events are only ever appended: the triggers keep whoever comes by SQL from changing the past by mistake.
CREATE TABLE events (
	id      INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they were taken
	gateway TEXT NOT NULL,
	seq     BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	verb    TEXT NOT NULL,
	user_id TEXT NOT NULL,
	asset   TEXT NOT NULL,
	session TEXT NOT NULL,
	words   TEXT NOT NULL, -- what a search for words looks at
	doc     TEXT NOT NULL, -- the event as JSON
	UNIQUE (gateway, seq)
);
CREATE INDEX events_by_user ON events (user_id, id);
CREATE INDEX events_by_asset ON events (asset, id);
CREATE INDEX events_by_session ON events (session, id);
CREATE INDEX events_by_verb ON events (verb, id);
CREATE INDEX events_by_time ON events (at);

-- +goose StatementBegin
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN
	SELECT RAISE(ABORT, 'events are never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN
	SELECT RAISE(ABORT, 'events are never deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE events;
