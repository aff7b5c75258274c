//go:build chaos

package main

import (
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// clock is the machine's, off by what the file says that CHAOS_CLOCK names: such as 30s. It is looked at all the time, so that
// clocks also leap while Portico runs. This file is in no product: make chaos builds it in, by its tag.
var clock = func() func() time.Time {
	path := os.Getenv("CHAOS_CLOCK")
	var off atomic.Int64
	look := func() {
		text, _ := os.ReadFile(path)
		if d, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
			off.Store(int64(d))
		}
	}
	look()
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			look()
		}
	}()
	return func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
}()
