package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The command of the Dockerfile builds a program that needs nothing but its port and the
// folder of its data: it runs where there is no other file, nothing else can be written, and
// the user has no rights.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `ENTRYPOINT ["/board", "-data=/data/board.db"]`) {
		t.Fatal("the Dockerfile starts another program than this test")
	}
	image, data := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(image, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(image, "board")
	build := regexp.MustCompile(`RUN (CGO_ENABLED=0 go build .*)`).FindStringSubmatch(string(text))
	command := exec.Command("sh", "-c", strings.Replace(build[1], "/board", binary, 1))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	elf, err := os.ReadFile(binary)
	if err != nil || bytes.Contains(elf, []byte("/lib64/ld-linux")) {
		t.Errorf("not static: %v", err)
	}

	contained, as := []string{"--mount"}, "--userspec=65532:65532" // nonroot of distroless
	if os.Getuid() != 0 {
		contained, as = append(contained, "--user", "--map-root-user"), "" // root of nothing
	} else if err := os.Chown(data, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	script := `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount --bind "$1" "$0/data" && exec chroot ` + as + ` "$0" /board -data=/data/board.db`
	program := exec.Command("unshare", append(contained, "sh", "-c", script, image, data)...)
	program.Env = []string{"PORT=0", "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"}
	stderr, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Process.Kill() })
	var log bytes.Buffer
	var port string
	lines := bufio.NewReader(stderr)
	for port == "" {
		line, err := lines.ReadString('\n')
		log.WriteString(line)
		if found := regexp.MustCompile(`listening address=http://\[::\]:(\d+)`).FindStringSubmatch(line); found != nil {
			port = found[1]
		} else if err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", program.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if uid := regexp.MustCompile(`Uid:\t(\d+)`).FindStringSubmatch(string(status)); uid == nil || uid[1] == "0" {
		t.Errorf("the program runs as root:\n%s", status)
	}
	root, err := os.Stat(fmt.Sprintf("/proc/%d/root/board", program.Process.Pid))
	if err != nil || root.Size() != int64(len(elf)) {
		t.Errorf("the root of the program is not the folder: %v", err)
	}
	response, err := http.Get("http://127.0.0.1:" + port + "/")
	if page := body(t, response, err); response.StatusCode != 200 || !strings.Contains(page, "<h1>") {
		t.Errorf("%s\n%s", response.Status, page)
	}
	program.Process.Signal(syscall.SIGTERM)
	io.Copy(&log, lines)
	if err := program.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &log)
	}
}

// A mistake ends the program with a message, before it listens.
func TestRunRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined": {"-nope"},
		"App.TrustedProxy":              {"-proxies=1000", "-addr=127.0.0.1:0"},
	} {
		if err := run(t.Context(), args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
