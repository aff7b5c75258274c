//go:build !chaos

package main

import "time"

// clock is the machine's. Only the suite of faults has another one (clock_chaos.go).
var clock func() time.Time
