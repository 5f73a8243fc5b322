package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	endToEndName = "end to end, session read"
	endToEndKey  = endToEndName + "/" + string(network)
	connections  = 16
	// patience limits every wait for a server.
	patience = 10 * time.Second
)

// endToEndRow measures session reads over loopback. Each contender serves in a process of
// its own on the first core; this process generates the load on the last one.
func endToEndRow(run time.Duration) row {
	return row{endToEndName, network, run, most{}, sessionRead.subjects(), func(subject contender) (pair, error) {
		below, err := startServer(floor.name)
		if err != nil {
			return pair{}, err
		}
		above, err := startServer(subject.name)
		if err != nil {
			below.stop()
			return pair{}, err
		}
		busy := 0.0
		load := func(s *server) func() (float64, error) {
			return func() (float64, error) {
				if _, _, err := s.load(run / 5); err != nil { // to warm up
					return 0, err
				}
				used := processorTime()
				requests, taken, err := s.load(run)
				busy = max(busy, float64(processorTime()-used)/float64(taken))
				return float64(taken) / float64(requests), err
			}
		}
		return pair{
			floor: load(below), subject: load(above),
			finish: func(r *result) error { r.Busy = busy; return nil },
			close:  func() { below.stop(); above.stop() },
		}, nil
	}}
}

// A server is a process of this program that serves a contender's site with sessions.
type server struct {
	addr    string
	cookie  string // of a session
	command *exec.Cmd
	client  fasthttp.HostClient
}

// startServer starts a server and a session on it.
func startServer(contender string) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{command: onServerCore(program, "-serve", contender)}
	s.command.Stderr = os.Stderr
	if _, err := s.command.StdinPipe(); err != nil { // the process ends when it is closed
		return nil, err
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("serve %s: %w", contender, err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		s.addr = strings.TrimSpace(line)
		s.client = fasthttp.HostClient{Addr: s.addr, MaxConns: connections, ReadTimeout: patience, WriteTimeout: patience}
		s.cookie, err = s.start()
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("serve %s: %w", contender, err)
	}
	return s, nil
}

func (s *server) start() (string, error) {
	response, err := (&http.Client{Timeout: patience}).Get("http://" + s.addr + "/start")
	if err != nil {
		return "", err
	}
	response.Body.Close()
	return startedCookie(response)
}

func (s *server) stop() {
	s.client.CloseIdleConnections()
	s.command.Process.Kill()
	s.command.Wait()
}

// load keeps all connections busy, each with one request at a time, and checks every
// response.
func (s *server) load(run time.Duration) (requests int, taken time.Duration, err error) {
	var all sync.WaitGroup
	counts, errs := make([]int, connections), make([]error, connections)
	begin := time.Now()
	for i := range connections {
		all.Go(func() { counts[i], errs[i] = s.ask(begin.Add(run)) })
	}
	all.Wait()
	for _, n := range counts {
		requests += n
	}
	return requests, time.Since(begin), errors.Join(errs...)
}

// ask sends one request after another until the time given, and counts the responses.
func (s *server) ask(end time.Time) (n int, err error) {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.SetRequestURI("http://" + s.addr + sessionRead.path)
	request.Header.SetUserAgent("bench")
	request.Header.Set("Accept", "text/html")
	request.Header.Set("Cookie", s.cookie)
	for n == 0 || time.Now().Before(end) {
		if err := s.client.Do(request, response); err != nil {
			return n, err
		}
		if response.StatusCode() != http.StatusOK || string(response.Body()) != sessionRead.want {
			return n, fmt.Errorf("%s responds %d %q, not 200 %q", sessionRead.path, response.StatusCode(), response.Body(), sessionRead.want)
		}
		n++
	}
	return n, nil
}

// serve serves the site of the contender on loopback, prints the address to w, and
// returns when r ends. Every contender gets the same http.Server, without timeouts.
func serve(name string, r io.Reader, w io.Writer) error {
	for _, c := range contenders {
		if c.name != name {
			continue
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: c.sites[sessionRead.site]()}
		go func() {
			io.Copy(io.Discard, r)
			server.Close()
		}()
		fmt.Fprintln(w, listener.Addr())
		if err := server.Serve(listener); err != http.ErrServerClosed {
			return err
		}
		return nil
	}
	return fmt.Errorf("no contender is named %q", name)
}

// taskset reports whether processes can be bound to cores. That needs the program taskset
// of util-linux, and two cores.
func taskset() bool {
	_, err := exec.LookPath("taskset")
	return err == nil && runtime.NumCPU() > 1
}

// onServerCore returns a command that runs on the first core, if it can be bound to it. A
// Go program then sees and uses one core.
func onServerCore(arguments ...string) *exec.Cmd {
	if taskset() {
		arguments = append([]string{"taskset", "-c", "0"}, arguments...)
	}
	return exec.Command(arguments[0], arguments[1:]...)
}

// takeLastCore binds this process to the last core, if it can be bound.
func takeLastCore(progress io.Writer) error {
	if !taskset() {
		fmt.Fprintln(progress, "processes are not bound to cores, because taskset of util-linux or a second core is missing")
		return nil
	}
	last := strconv.Itoa(runtime.NumCPU() - 1)
	out, err := exec.Command("taskset", "-acp", last, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, out)
	}
	return nil
}
