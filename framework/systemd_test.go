package framework_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// A test starts this binary again as a program with a socket from systemd.
const activated = "FRAMEWORK_TEST_ACTIVATED"

func TestSocketActivatedProgram(t *testing.T) {
	name := os.Getenv(activated)
	if name == "" {
		t.Skip("started by TestServerSocketOfSystemd")
	}
	err := framework.Serve(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, name, " ", os.Getenv("LISTEN_PID"))
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// startActivated starts the program with files from descriptor 3 on, as systemd does.
func startActivated(t *testing.T, name, pid, count string, files ...*os.File) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	command := exec.Command("/bin/sh", "-c", `LISTEN_PID=`+pid+` LISTEN_FDS=`+count+` exec "$0" "$@"`, os.Args[0], "-test.run=^TestSocketActivatedProgram$")
	command.Env = []string{activated + "=" + name,
		"PORT=none",                 // a mistake if it is used
		"GORACE=atexit_sleep_ms=50"} // or the race detector waits for a second when the program ends
	command.ExtraFiles = files
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	return command, &out
}

// A request that comes while the program restarts waits for the next one.
func TestServerSocketOfSystemd(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "socket")
			}
			listener, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			file, err := listener.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
			}}
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			get := func() string {
				response, err := client.Get("http://site.example/")
				if err != nil {
					return err.Error()
				}
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				return fmt.Sprint(string(body), err)
			}
			answer := make(chan string, 1)
			go func() { answer <- get() }() // before there is a program
			for _, name := range []string{"first", "second"} {
				program, out := startActivated(t, name, "$$", "1", file)
				if got := <-answer; got != name+" <nil>" {
					t.Errorf("got %q, want the %s program, without LISTEN_PID\n%s", got, name, out)
				}
				program.Process.Signal(syscall.SIGTERM)
				if err := program.Wait(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
				go func() { answer <- get() }()
			}
			listener.Close()
			file.Close()
			<-answer
		})
	}
}

// If systemd passes something other than a socket for this program, it exits and says how to
// fix it.
func TestServerSocketOfSystemdMistakes(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, test := range map[string]struct{ pid, count, want string }{
		"two sockets":     {"$$", "2", "systemd has passed 2 sockets (LISTEN_FDS), and the program serves one"},
		"none":            {"$$", "", "systemd has passed no sockets"},
		"no socket":       {"$$", "1", "the socket of systemd cannot be used: it must be a ListenStream"},
		"another process": {"1", "1", `the variable PORT is "none"`},
	} {
		t.Run(name, func(t *testing.T) {
			program, out := startActivated(t, name, test.pid, test.count, null, null)
			if err := program.Wait(); err == nil || !strings.Contains(out.String(), test.want) {
				t.Errorf("%v, want %q\n%s", err, test.want, out)
			}
		})
	}
}
