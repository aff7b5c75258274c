package store

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

// pool is connections to one database, and whether that hangs.
type pool struct {
	*sql.DB
	hangs atomic.Bool // the last word of it was none
}

// hanging is how long one statement may take of a database that hung just now: that many wait for it at a time must not make
// every one of them wait for as long as the first one did. Only tests change it.
var hanging = 2 * time.Second

func (p *pool) patience() time.Duration {
	if p.hangs.Load() {
		return min(hanging, patience)
	}
	return patience
}

// bound gives a statement, or a transaction, its time. done is to be called with how it ended.
func bound(ctx context.Context, on any) (_ context.Context, done func(error)) {
	p, ok := on.(*pool) // a statement of a transaction has no more time than that has
	within := patience
	if ok {
		within = p.patience()
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	return ctx, func(err error) {
		if ok && (err == nil || !errors.Is(ctx.Err(), context.Canceled)) {
			p.hangs.Store(err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded))
		}
		cancel()
	}
}
