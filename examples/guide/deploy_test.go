package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// TestMain is the program itself if a test starts this binary again.
func TestMain(m *testing.M) {
	if os.Getenv("GUIDE_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// board starts the program and returns when it listens. Stop ends it, and returns what it
// has logged and the error of its status.
func board(t *testing.T, args, environment []string) (address string, stop func() (log string, err error)) {
	t.Helper()
	command := exec.Command(os.Args[0], args...)
	command.Env = append([]string{"GUIDE_TEST_MAIN=1"}, environment...)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	var log bytes.Buffer
	lines := bufio.NewReader(stderr)
	for address == "" {
		line, err := lines.ReadString('\n')
		log.WriteString(line)
		if err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
		if found := regexp.MustCompile(`listening address=http://(\S+)`).FindStringSubmatch(line); found != nil {
			address = found[1]
		}
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		log.ReadFrom(lines)
	}()
	return address, func() (string, error) {
		command.Process.Signal(syscall.SIGTERM)
		<-read
		return log.String(), command.Wait()
	}
}

// need returns the path of a program that make test installs.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	return path
}

// certificate makes one for board.example, in two files.
func certificate(t *testing.T, folder string) (pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"board.example"}, NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})
	for name, text := range map[string][]byte{"fullchain.pem": public, "privkey.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	return pool
}

// The program, as the unit of systemd starts it, behind nginx with the site's own
// configuration: only ports and paths are others.
func TestBehindNginx(t *testing.T) {
	nginx := need(t, "nginx")
	folder := t.TempDir()
	pool := certificate(t, folder)
	if err := os.WriteFile(filepath.Join(folder, "keys"), []byte("6J1GQ8ctHhb3mYYC0S7kWlWEtSsrMXsyXxDLN3IzTUk=\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	unit, err := os.ReadFile("deploy/board.service")
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`ExecStart=\S+ (.*)`).FindStringSubmatch(string(unit))
	args := strings.Fields(strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:0", "%S/board", folder).Replace(start[1]))
	environment := []string{"SESSION_KEYS_FILE=" + folder + "/keys"}
	address, stop := board(t, args, environment)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front := listener.Addr().String()
	listener.Close()
	server, err := os.ReadFile("deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("listen 443 ssl", "listen "+front+" ssl", "/etc/letsencrypt/live/board.example", folder,
		"http://127.0.0.1:8080", "http://"+address).Replace(string(server))
	config = "daemon off; master_process off; pid " + folder + "/pid; error_log stderr; events {}\nhttp { access_log off;\n" +
		"client_body_temp_path " + folder + "/1; proxy_temp_path " + folder + "/2; fastcgi_temp_path " + folder + "/3; uwsgi_temp_path " + folder + "/4; scgi_temp_path " + folder + "/5;\n" + config + "}\n"
	if err := os.WriteFile(filepath.Join(folder, "nginx.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := exec.Command(nginx, "-c", folder+"/nginx.conf", "-e", "stderr")
	var proxyLog bytes.Buffer
	proxy.Stderr = &proxyLog
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Process.Kill(); proxy.Wait() })

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "board.example"}}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, front)
	}
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: transport}
	const site = "https://board.example"
	var res *http.Response
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if res, err = client.Get(site + "/"); err == nil && res.StatusCode == 200 || time.Now().After(deadline) {
			break
		}
	}
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v\n%s", err, &proxyLog)
	}
	body(t, res, err)

	signUp(t, client, site)
	if cookies := jar.Cookies(&url.URL{Scheme: "https", Host: "board.example", Path: "/"}); !strings.Contains(fmt.Sprint(cookies), "__Host-session") {
		t.Errorf("cookies %v", cookies)
	}
	live, err := client.Get(site + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Body.Close()
	chat, _, err := websocket.Dial(t.Context(), site+"/chat", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer chat.CloseNow()
	if err := wsjson.Write(t.Context(), chat, map[string]string{"Text": "Hello"}); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(live.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") {
			if !strings.Contains(lines.Text(), "Hello") {
				t.Error(lines.Text())
			}
			break
		}
	}

	// What a client says about its own address is not believed.
	r, err := http.NewRequest("GET", site+"/?forged", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "203.0.113.99")
	res, err = client.Do(r)
	body(t, res, err)

	// The streams end when the program stops, and it ends with status 0.
	log, err := stop()
	if err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	if strings.Contains(log, "203.0.113.99") || !strings.Contains(log, "address=127.0.0.1") || strings.Contains(log, "WARN") {
		t.Errorf("the log:\n%s", log)
	}

	// Another start finds the user and the session.
	args[0] = "-addr=" + address // where nginx looks for it
	_, stop = board(t, args, environment)
	res, err = client.Get(site + "/write")
	if page := body(t, res, err); !strings.Contains(page, "Write a note") {
		t.Errorf("after a restart:\n%s", page)
	}
	if log, err := stop(); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}

// The command of the Dockerfile builds a program that needs nothing but its port.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "board")
	build := regexp.MustCompile(`RUN (CGO_ENABLED=0 go build .*)`).FindStringSubmatch(string(text))
	command := exec.Command("sh", "-c", strings.Replace(build[1], "/board", binary, 1))

	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program := exec.Command(binary, "-data="+filepath.Join(t.TempDir(), "board.db"))
	program.Env = []string{"PORT=0"}
	var log bytes.Buffer
	program.Stderr = &log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*time.Second, func() { program.Process.Signal(syscall.SIGTERM) })
	if err := program.Wait(); err != nil || !strings.Contains(log.String(), "listening address=http://[::]:") {
		t.Errorf("%v\n%s", err, &log)
	}
	elf, err := os.ReadFile(binary)
	if err != nil || bytes.Contains(elf, []byte("/lib64/ld-linux")) {
		t.Errorf("not static: %v", err)
	}
}

// systemd understands the unit.
func TestUnit(t *testing.T) {
	verify := need(t, "systemd-analyze")
	text, err := os.ReadFile("deploy/board.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "board.service")
	if err := os.WriteFile(unit, bytes.Replace(text, []byte("/usr/local/bin/board"), []byte(os.Args[0]), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(verify, "verify", unit).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// A mistake ends the program with a message, before it listens.
func TestRunRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined": {"-nope"},
		"App.TrustedProxy":              {"-proxies=1000", "-addr=127.0.0.1:0", "-data=" + filepath.Join(t.TempDir(), "board.db")},
		"mkdir -p":                      {"-data=" + filepath.Join(t.TempDir(), "missing", "board.db")},
	} {
		if err := run(t.Context(), args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
