package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startUp builds portico and starts portico dev again and again: on an empty folder, and on one that is there.
func startUp(ctx context.Context, starts int) error {
	dir, err := os.MkdirTemp("", "portico-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "portico")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/portico").CombinedOutput(); err != nil {
		return fmt.Errorf("build portico: %w\n%s", err, out)
	}
	var first, again, idle []float64
	for i := range starts {
		data := filepath.Join(dir, fmt.Sprint(i))
		for _, ready := range []*[]float64{&first, &again} {
			took, kib, err := startOnce(ctx, binary, data)
			if err != nil {
				return err
			}
			*ready, idle = append(*ready, float64(took.Microseconds())/1000), append(idle, float64(kib)/1024)
		}
	}
	fmt.Printf("portico dev answers %.0f ms after its first start, %.0f ms after a later one; %.1f MiB when idle (medians of %d)\n",
		middle(first), middle(again), middle(idle), starts)
	return nil
}

// startOnce measures until a first request is answered, and the memory two seconds later.
func startOnce(ctx context.Context, binary, data string) (took time.Duration, kib int, err error) {
	cmd := exec.CommandContext(ctx, binary, "dev", "--data", data, "--listen", "127.0.0.1:0", "--okta-listen", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		_, address, ok := strings.Cut(lines.Text(), "Open ")
		if !ok {
			continue
		}
		resp, err := http.Get(strings.TrimSpace(address) + "/.well-known/jwks.json")
		if err != nil {
			return 0, 0, err
		}
		resp.Body.Close()
		if took = time.Since(began); resp.StatusCode != http.StatusOK {
			return 0, 0, fmt.Errorf("portico dev: expected 200, got %d", resp.StatusCode)
		}
		time.Sleep(2 * time.Second)
		return took, residentKiB(cmd.Process.Pid), nil
	}
	return 0, 0, fmt.Errorf("portico dev told no address")
}
