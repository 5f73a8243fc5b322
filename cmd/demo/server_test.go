package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// These tests run the demo behind the real nginx and the real Caddy, with the files of
// examples/server. Only ports and paths differ.

const serverFolder = root + "/examples/server"

// serveProbed is the demo with additional handlers that show what passes through a proxy.
func serveProbed() int {
	err := func() error {
		ctx := context.Background()
		c, err := configure(os.Args[1:], io.Discard)
		if err != nil {
			return err
		}
		log := c.logger(os.Stdout, os.Stderr)
		keys, err := c.sessionKeys(ctx)
		if err != nil {
			return err
		}
		services, err := c.connect(ctx, log)
		if err != nil {
			return err
		}
		app, err := newApp(ctx, c, keys, services, log)
		if err != nil {
			return err
		}
		next := make(chan bool)
		app.Handle("/probe/saw", framework.To[sawProbe](app))
		app.Handle("/probe/events", framework.From(app, func() *eventsProbe { return &eventsProbe{next: next} }))
		app.Handle("/probe/next", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { next <- true }))
		app.Handle("/probe/socket", framework.To[socketProbe](app))
		app.Handle("/probe/headers", framework.To[headersProbe](app))
		err = framework.Server{Handler: app, Addr: c.Addr, DrainTimeout: time.Duration(c.Drain), Log: log}.Run(ctx)
		return errors.Join(err, services.Close())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A saw is what the program sees of a request.
type saw struct {
	Client, Scheme, Host, ForwardedFor, ForwardedHost string
	Body                                              int64
}

type sawProbe struct{ framework.RequestHandler }

func (h *sawProbe) Get() error {
	r := h.Request
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	return h.JSON(saw{h.App.ClientIP(r), h.App.Scheme(r), r.Host, strings.Join(r.Header["X-Forwarded-For"], " | "), r.Header.Get("X-Forwarded-Host"), n})
}

func (h *sawProbe) Post() error { return h.Get() }

// An eventsProbe sends one event, and another after a request for /probe/next.
type eventsProbe struct {
	framework.RequestHandler
	next chan bool
}

func (h *eventsProbe) Get() error {
	h.Response.Header().Set("Content-Type", "text/event-stream")
	h.Response.Header().Set("X-Accel-Buffering", "no")
	fmt.Fprint(h, "data: first\n\n")
	if err := h.Response.FlushError(); err != nil {
		return err
	}
	select {
	case <-h.next:
	case <-h.StreamContext().Done():
	}
	_, err := fmt.Fprint(h, "data: second\n\n")
	return err
}

// A headersProbe responds with headers almost as large as the program allows.
type headersProbe struct{ framework.RequestHandler }

func (h *headersProbe) Get() error {
	h.Response.Header().Set("X-Long", strings.Repeat("x", 7<<10))
	_, err := h.Response.WriteString("hello")
	return err
}

// A socketProbe takes the connection over, as a WebSocket does (RFC 6455), and sends back
// what it gets.
type socketProbe struct{ framework.RequestHandler }

func (h *socketProbe) Get() error {
	sum := sha1.Sum([]byte(h.Request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	connection, both, err := http.NewResponseController(h.Response).Hijack()
	if err != nil {
		return err
	}
	defer connection.Close()
	fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	line, err := both.ReadString('\n')
	if err != nil {
		return nil // the client is gone
	}
	io.WriteString(connection, line)
	return nil
}

// A unit runs the program as systemd does with demo.socket and demo.service: the socket
// stays open while the program restarts.
type unit struct {
	t       *testing.T
	socket  *os.File
	address string
	command *exec.Cmd
	log     *lockedLog
}

func startUnit(t *testing.T) *unit {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	u := &unit{t: t, socket: socket, address: listener.Addr().String(), log: new(lockedLog)}
	t.Cleanup(func() {
		u.command.Process.Kill()
		u.command.Wait()
		socket.Close()
	})
	u.start()
	return u
}

func (u *unit) start() {
	u.t.Helper()
	u.command = exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0"`, os.Args[0])
	u.command.Env = []string{"DEMO_TEST_MAIN=probed", endsAtOnce, "DATA=memory", "SESSION_KEYS=" + goodKey, "PROXIES=1",
		"BASE_URL=https://shop.example", "INSECURE=false", "WATCH=false", "DRAIN_TIMEOUT=30s", "REQUEST_LOG=false"}
	u.command.ExtraFiles = []*os.File{u.socket}
	u.command.Stderr = u.log
	if err := u.command.Start(); err != nil {
		u.t.Fatal(err)
	}
}

// restart does the same as systemctl restart.
func (u *unit) restart() {
	u.t.Helper()
	u.command.Process.Signal(syscall.SIGTERM)
	if err := u.command.Wait(); err != nil {
		u.t.Fatalf("%v\n%s", err, u.log)
	}
	u.start()
}

// A proxy is nginx or Caddy.
type proxy struct {
	t       *testing.T
	address string
	roots   *x509.CertPool
	log     lockedLog
}

// transport is that of a client with an address of its own, which knows the site's
// certificate.
func (p *proxy) transport(from string) *http.Transport {
	return &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: p.roots},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			return dialer.DialContext(ctx, network, p.address)
		},
	}
}

func (p *proxy) client(from string) *http.Client {
	transport := p.transport(from)
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// run starts a program and waits until its port is open.
func (p *proxy) run(command *exec.Cmd) {
	p.t.Helper()
	log := &p.log
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	p.t.Cleanup(func() { command.Process.Kill(); <-ended })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		connection, err := net.Dial("tcp", p.address)
		if err == nil {
			connection.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			p.t.Fatalf("it ended: %v\n%s", err, log)
		default:
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%v\n%s", err, log)
		}
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

// changed writes a file of examples/server with pairs of texts replaced. Each must be there.
func changed(t *testing.T, to, name string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(serverFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			t.Fatalf("%s lacks %q", name, pairs[i])
		}
	}
	if err := os.WriteFile(to, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

func startNginx(t *testing.T, program string) *proxy {
	nginx := need(t, "nginx")
	folder := t.TempDir()
	p := &proxy{t: t, address: "127.0.0.1:" + freePort(t), roots: certificate(t, folder)}
	changed(t, filepath.Join(folder, "site.conf"), "nginx.conf",
		"listen 443 ssl", "listen "+p.address+" ssl", "\tlisten [::]:443 ssl http2;\n", "",
		"listen 80;", "listen 127.0.0.1:"+freePort(t)+";", "\tlisten [::]:80;\n", "",
		"/etc/letsencrypt/live/shop.example", folder, "127.0.0.1:8080", program)
	whole := "daemon off; master_process off; pid pid; error_log stderr; events {}\nhttp { access_log off;\n" +
		"client_body_temp_path 1; proxy_temp_path 2; fastcgi_temp_path 3; uwsgi_temp_path 4; scgi_temp_path 5;\ninclude site.conf;\n}\n"
	if err := os.WriteFile(filepath.Join(folder, "nginx.conf"), []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run(exec.Command(nginx, "-p", folder, "-c", "nginx.conf", "-e", "stderr"))
	return p
}

// certificate makes one for shop.example, in the files that certbot makes.
func certificate(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"shop.example"}, NotAfter: time.Now().Add(time.Hour)}
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
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	return roots
}

// startCaddy starts Caddy with a certificate of its own authority.
func startCaddy(t *testing.T, program string) *proxy {
	caddy := need(t, "caddy")
	folder := t.TempDir()
	port := freePort(t)
	p := &proxy{t: t, address: "127.0.0.1:" + port, roots: x509.NewCertPool()}
	changed(t, filepath.Join(folder, "Caddyfile"), "Caddyfile",
		"shop.example {", "{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n\thttp_port "+freePort(t)+"\n\thttps_port "+port+"\n}\nshop.example {",
		"127.0.0.1:8080", program)
	command := exec.Command(caddy, "run", "--config", filepath.Join(folder, "Caddyfile"), "--adapter", "caddyfile")
	command.Env = []string{"HOME=" + folder, "XDG_DATA_HOME=" + folder, "XDG_CONFIG_HOME=" + folder}
	p.run(command)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		authority, err := os.ReadFile(filepath.Join(folder, "caddy", "pki", "authorities", "local", "root.crt"))
		if err == nil && p.roots.AppendCertsFromPEM(authority) {
			var response *http.Response
			if response, err = p.client("127.0.0.1").Get(site + "/health"); err == nil {
				response.Body.Close()
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, &p.log)
		}
	}
}

func TestBehindAProxy(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, program string) *proxy{"nginx": startNginx, "Caddy": startCaddy} {
		t.Run(name, func(t *testing.T) {
			u := startUnit(t)
			p := start(t, u.address)
			t.Run("what the program sees", func(t *testing.T) { p.seen(t, name) })
			t.Run("forged host", p.forgedHost)
			t.Run("throttle", p.throttle)
			t.Run("stream", p.stream)
			t.Run("WebSocket", p.webSocket)
			t.Run("uploads", p.uploads)
			t.Run("large headers", p.largeHeaders)
			if log := u.log.String(); strings.Contains(log, "TrustedProxy") {
				t.Errorf("the program warns of the proxy:\n%s", log)
			}
			t.Run("restarts", func(t *testing.T) { p.restarts(t, u) })
		})
	}
}

// seen sends forged headers, and reports which values the program trusted.
func (p *proxy) seen(t *testing.T, name string) {
	client := p.client("127.0.0.2")
	for _, sent := range []struct{ header, value, forwardedFor, forwardedHost string }{
		{"Accept", "*/*", "127.0.0.2", ""},
		{"X-Forwarded-For", "203.0.113.99", "203.0.113.99, 127.0.0.2", ""},
		{"X-Forwarded-For", "203.0.113.99, 203.0.113.98", "203.0.113.99, 203.0.113.98, 127.0.0.2", ""},
		{"X-Forwarded-Proto", "http", "127.0.0.2", ""},
		{"X-Forwarded-Host", "evil.example", "127.0.0.2", "evil.example"},
		{"Forwarded", "for=203.0.113.99;proto=http;host=evil.example", "127.0.0.2", ""},
		{"X-Real-IP", "203.0.113.99", "127.0.0.2", ""},
		{"X-Appengine-User-IP", "203.0.113.99", "127.0.0.2", ""},
	} {
		r, err := http.NewRequest("GET", site+"/probe/saw", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(sent.header, sent.value)
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		want := saw{"127.0.0.2", "https", "shop.example", sent.forwardedFor, sent.forwardedHost, 0}
		if name == "Caddy" { // it trusts nothing that a client sends
			want.ForwardedFor, want.ForwardedHost = "127.0.0.2", "shop.example"
		}
		var got saw
		err = json.NewDecoder(response.Body).Decode(&got)
		response.Body.Close()
		if err != nil || got != want || response.ProtoMajor != 2 {
			t.Errorf("%s: %s\nthe program saw %+v, %v, by HTTP/%d; want %+v, by HTTP/2", sent.header, sent.value, got, err, response.ProtoMajor, want)
		}
		t.Logf("| %s: %s | %s | %s | %s | %s |", sent.header, sent.value, got.ForwardedFor, got.Client, got.Scheme, got.Host)
	}
}

// forgedHost asks for another host than that of the certificate. nginx passes the request on
// as one for shop.example, and Caddy does not pass it on.
func (p *proxy) forgedHost(t *testing.T) {
	r, err := http.NewRequest("GET", site+"/probe/saw", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	response, err := p.client("127.0.0.2").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || len(body) > 0 && !strings.Contains(string(body), `"Host":"shop.example"`) {
		t.Errorf("%s %s, %v", response.Status, body, err)
	}
}

// throttle guesses passwords from one address, with forged headers, and then from another.
func (p *proxy) throttle(t *testing.T) {
	guess := func(from, forged string) int {
		t.Helper()
		r, err := http.NewRequest("POST", site+"/login", strings.NewReader(url.Values{"name": {"ann"}, "password": {"wrong"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", forged)
		response, err := p.client(from).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	for i := range 10 {
		if got := guess("127.0.0.3", fmt.Sprint("203.0.113.", i)); got != 401 {
			t.Fatalf("guess %d: status %d, want 401", i, got)
		}
	}
	if got := guess("127.0.0.3", "127.0.0.4"); got != 429 {
		t.Errorf("one guess too many: status %d, want 429", got)
	}
	if got := guess("127.0.0.4", "127.0.0.3"); got != 401 {
		t.Errorf("another client: status %d, want 401", got)
	}
}

// stream reads an event before the next one is made.
func (p *proxy) stream(t *testing.T) {
	client := p.client("127.0.0.2")
	response, err := client.Get(site + "/probe/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); line != "data: first\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	next, err := client.Get(site + "/probe/next")
	if err != nil {
		t.Fatal(err)
	}
	next.Body.Close()
	if rest, err := io.ReadAll(lines); string(rest) != "\ndata: second\n\n" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
}

func (p *proxy) webSocket(t *testing.T) {
	plain, err := p.transport("127.0.0.2").DialContext(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	plain.SetDeadline(time.Now().Add(time.Minute))
	connection := tls.Client(plain, &tls.Config{RootCAs: p.roots, ServerName: "shop.example"})
	fmt.Fprint(connection, "GET /probe/socket HTTP/1.1\r\nHost: shop.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	lines := bufio.NewReader(connection)
	response, err := http.ReadResponse(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 101 || response.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455, section 1.3
		t.Fatalf("got %s %v", response.Status, response.Header)
	}
	fmt.Fprint(connection, "Hello\n")
	if line, err := lines.ReadString('\n'); line != "Hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func (p *proxy) uploads(t *testing.T) {
	client := p.client("127.0.0.2")
	for _, test := range []struct {
		bytes  int64
		status int
	}{
		{20 << 20, 200},
		{32 << 20, 200},
		{32<<20 + 1, 413}, // by the program
		{34 << 20, 413},   // by nginx
	} {
		r, err := http.NewRequest("POST", site+"/probe/saw", io.LimitReader(zeros{}, test.bytes))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = test.bytes
		response, err := client.Do(r)
		if err != nil {
			t.Errorf("%d bytes: %v", test.bytes, err)
			continue
		}
		var got saw
		if response.StatusCode == 200 {
			err = json.NewDecoder(response.Body).Decode(&got)
		}
		response.Body.Close()
		if response.StatusCode != test.status || err != nil || test.status == 200 && got.Body != test.bytes {
			t.Errorf("%d bytes: status %d, and the program read %d, %v", test.bytes, response.StatusCode, got.Body, err)
		}
	}
}

// largeHeaders asks for a response with large headers, such as one that sets a session in a
// signed cookie.
func (p *proxy) largeHeaders(t *testing.T) {
	response, err := p.client("127.0.0.2").Get(site + "/probe/headers")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := len(response.Header.Get("X-Long")); response.StatusCode != 200 || got != 7<<10 {
		t.Errorf("%s, and %d bytes in X-Long", response.Status, got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// restarts restarts the program under load. Each request must get its response.
func (p *proxy) restarts(t *testing.T, u *unit) {
	const clients, times = 8, 3
	var sent, lost atomic.Int64
	var mutex sync.Mutex
	var first string
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			client := p.client("127.0.0.2")
			for i := 0; ctx.Err() == nil; i++ {
				r, err := http.NewRequest("GET", site+"/probe/saw", nil)
				if i%2 == 1 {
					r, err = http.NewRequest("POST", site+"/probe/saw", io.NopCloser(strings.NewReader("hello"))) // which cannot be sent twice
				}
				if err == nil {
					var response *http.Response
					if response, err = client.Do(r); err == nil {
						var body []byte
						body, err = io.ReadAll(response.Body)
						response.Body.Close()
						if err == nil && response.StatusCode != 200 {
							err = fmt.Errorf("%s %s", response.Status, body)
						}
					}
				}
				sent.Add(1)
				if err != nil {
					lost.Add(1)
					mutex.Lock()
					first = err.Error()
					mutex.Unlock()
				}
			}
		})
	}
	load := func() {
		for before := sent.Load(); sent.Load() < before+10*clients; {
			time.Sleep(time.Millisecond)
		}
	}
	for range times {
		load()
		open, err := p.client("127.0.0.2").Get(site + "/probe/events") // ends with the program
		if err != nil {
			t.Error(err)
			break
		}
		defer open.Body.Close()
		u.restart()
	}
	load()
	stop()
	running.Wait()
	t.Logf("%d requests during %d restarts, %d lost", sent.Load(), times, lost.Load())
	if lost.Load() > 0 {
		t.Errorf("%d of %d requests were lost, such as: %s\nthe log of the proxy:\n%s", lost.Load(), sent.Load(), first, &p.log)
	}
}

// systemd understands the units.
func TestUnits(t *testing.T) {
	verify := need(t, "systemd-analyze")
	folder := t.TempDir()
	binary, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	changed(t, filepath.Join(folder, "demo.service"), "demo.service", "/usr/local/bin/demo", binary, "User=demo", "User=root")
	changed(t, filepath.Join(folder, "demo.socket"), "demo.socket")
	command := exec.Command(verify, "verify", filepath.Join(folder, "demo.service"), filepath.Join(folder, "demo.socket"))
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// The settings of the unit are settings of the program. It starts with them.
func TestSettingsOfTheUnit(t *testing.T) {
	setenv(t)
	text, err := os.ReadFile(filepath.Join(serverFolder, "demo.service"))
	if err != nil {
		t.Fatal(err)
	}
	settings := known(t)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "session-keys"), []byte(goodKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		variables, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment=")
		if !ok {
			continue
		}
		for _, variable := range strings.Fields(variables) {
			name, value, _ := strings.Cut(variable, "=")
			if !settings[name] {
				t.Errorf("%s is no setting of the program", name)
			}
			t.Setenv(name, strings.NewReplacer("/etc/demo", folder, "/var/lib/demo", folder).Replace(value))
		}
	}
	c, err := configure(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.sessionKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	services, err := c.connect(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	defer services.Close()
	app, err := newApp(t.Context(), c, keys, services, log)
	if err != nil {
		t.Fatal(err)
	}
	if app.TrustedProxy != framework.Proxies(1) || app.BaseURL != site || c.Insecure || c.Watch || c.SQL != "" || c.Data != folder {
		t.Errorf("the program takes the settings for %+v", c)
	}
	if err := app.Check(); err != nil {
		t.Error(err)
	}
}

// The backup is a database with everything in it, made while the program runs.
func TestBackup(t *testing.T) {
	need(t, "sqlite3")
	data, backups := t.TempDir(), t.TempDir()
	v := visit(t, "-data="+data)
	v.sees(200, "/signup", "Welcome, ann.", "name", "ann", "password", "correct horse", "next", "/account")
	backup := func() {
		t.Helper()
		command := exec.Command(filepath.Join(serverFolder, "demo-backup"))
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "DATA=" + data, "BACKUP=" + backups}
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for i := range 15 {
		name := filepath.Join(backups, fmt.Sprintf("2026-01-%02d", i+1))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Date(2026, 1, i+1, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(name, then, then); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 14 { // left by the runs that failed
		if err := os.WriteFile(filepath.Join(backups, fmt.Sprintf("2026-02-%02d.new", i+1)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	backup()
	backup() // once more on the same day
	files, err := os.ReadDir(backups)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 14 || files[0].Name() != "2026-01-03" {
		t.Errorf("kept %d, of which %s is the oldest", len(files), files[0].Name())
	}
	newest := filepath.Join(backups, files[len(files)-1].Name())
	if info, err := os.Stat(newest); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	restored := t.TempDir()
	if err := os.WriteFile(filepath.Join(restored, dataFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	v = visit(t, "-data="+restored)
	v.sees(200, "/login", "Welcome back, ann.", "name", "ann", "password", "correct horse")
}
