//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program and whatever it starts: all of them are one process group.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer // of both kinds; complete when it has exited
	exited chan struct{}
}

// core is a list of processor cores as taskset takes it; empty: wherever this process runs.
func spawn(core string, env []string, argv ...string) (*process, error) {
	if core != "" {
		argv = append([]string{"taskset", "-c", core}, argv...)
	}
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.WaitDelay = time.Second // a worker that outlives its master keeps the output open
	// Ctrl-C is ours alone, and a bench that is killed leaves nobody behind.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// stop ends the program by its own means, and what is left of its group by force.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// cpu is what the group has used, user and system (proc(5): fields 14 and 15 of stat, in hundredths of a second).
func (p *process) cpu() (total time.Duration) {
	for _, stat := range p.group() {
		user, _ := strconv.Atoi(stat[11])
		system, _ := strconv.Atoi(stat[12])
		total += time.Duration(user+system) * 10 * time.Millisecond
	}
	return total
}

// memory is what the group holds, in MiB. Pages that several processes share count once.
func (p *process) memory() float64 {
	group := p.group()
	kind := "Rss:"
	if len(group) > 1 {
		kind = "Pss:"
	}
	kib := 0
	for pid := range group {
		rollup, _ := os.ReadFile(filepath.Join("/proc", pid, "smaps_rollup"))
		for line := range strings.Lines(string(rollup)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == kind {
				n, _ := strconv.Atoi(fields[1])
				kib += n
			}
		}
	}
	return float64(kib) / 1024
}

// group returns of each of its processes what stat says from the state on.
func (p *process) group() map[string][]string {
	all := map[string][]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 12 && fields[2] == strconv.Itoa(p.cmd.Process.Pid) {
			all[filepath.Base(filepath.Dir(path))] = fields
		}
	}
	return all
}

// pin leaves the first core to the proxies and takes the others for this process and whatever it starts from now on.
func pin(cores int) (proxies string, err error) {
	others := fmt.Sprintf("1-%d", cores-1)
	out, err := exec.Command("taskset", "-a", "-c", "-p", others, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("taskset could not pin to the cores %s: %w: %s", others, err, out)
	}
	return "0", nil
}
