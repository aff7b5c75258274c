//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: it reads what processes use from /proc, so it runs on Linux only; go test -bench . ./... runs everywhere")
	os.Exit(1)
}
