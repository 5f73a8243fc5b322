package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// A process is this program started once more in another role, on a core of its
// own. It ends when its standard input is closed, so it cannot outlive its parent.
type process struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
}

// startProcess starts this program with the arguments on the core of that number. The
// Go runtime of the child sees one core, and so uses one.
func startProcess(core int, arguments ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(program, arguments...)}
	p.command.Stderr = os.Stderr
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(stdout)

	// A child inherits the cores of the thread that starts it. The thread is not
	// unlocked, so the runtime ends it with the goroutine and nobody else gets it.
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := useCore(core % runtime.NumCPU())
		if err == nil {
			err = p.command.Start()
		}
		started <- err
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", strings.Join(arguments, " "), err)
	}
	return p, nil
}

// line reads the next line that the process prints.
func (p *process) line() (string, error) {
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(p.command.Args[1:], " "), err)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// stop ends the process and waits for it.
func (p *process) stop() error {
	p.stdin.Close()
	return p.command.Wait()
}
