package smtp_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/mail/smtp"
)

var message = mail.Message{
	To: "ann@example.com", Subject: "Grüße von Example",
	Text: "Open this link:\nhttps://example.com/reset?t=" + strings.Repeat("abc=", 40) + "\n.\nGrüße\n",
	HTML: `<p>Open <a href="https://example.com/reset?t=` + strings.Repeat("abc=", 40) + `">this link</a>.`,
}

// certificate makes a certificate for a host that signs itself.
func certificate(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// startAiosmtpd starts a mail server of its own that demands STARTTLS and keeps what it gets
// in a folder.
func startAiosmtpd(t *testing.T) (port int, folder string, roots *x509.CertPool) {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import aiosmtpd").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3-aiosmtpd is not installed: make packages")
		}
		t.Skip("python3-aiosmtpd is not installed: make packages")
	}
	dir := t.TempDir()
	pair, roots := certificate(t, "localhost")
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	folder = filepath.Join(dir, "mails")
	var output strings.Builder
	server := exec.Command(python, "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:"+strconv.Itoa(port),
		"--tlscert", filepath.Join(dir, "cert"), "--tlskey", filepath.Join(dir, "key"), "-c", "aiosmtpd.handlers.Mailbox", folder)
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("aiosmtpd: %s", output.String())
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		connection, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			connection.Close()
			return port, folder, roots
		}
		if time.Now().After(deadline) {
			t.Fatalf("aiosmtpd does not listen: %v", err)
		}
	}
}

func newSender(t *testing.T, c smtp.Config) *smtp.Sender {
	t.Helper()
	if c.From == "" {
		c.From = "Example <no-reply@example.org>"
	}
	s, err := smtp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSend sends to a server of another maker, with STARTTLS, and reads what arrived.
func TestSend(t *testing.T) {
	port, folder, roots := startAiosmtpd(t)
	sender := newSender(t, smtp.Config{Host: "localhost", Port: port, TLS: &tls.Config{RootCAs: roots}, Timeout: time.Minute})
	if err := sender.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	mails := arrived(t, folder)
	if len(mails) != 1 {
		t.Fatalf("%d mails arrived", len(mails))
	}
	got := mails[0]
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != message.Subject {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	for header, want := range map[string]string{
		"From": `"Example" <no-reply@example.org>`, "To": "<ann@example.com>", "Auto-Submitted": "auto-generated",
		"X-Mailer": "", "User-Agent": "", "Bcc": "", "X-Rcptto": "ann@example.com", "X-Mailfrom": "no-reply@example.org",
	} {
		if value := got.Header.Get(header); value != want {
			t.Errorf("%s: %q, want %q", header, value, want)
		}
	}
	if id := got.Header.Get("Message-ID"); !strings.HasSuffix(id, "@example.org>") {
		t.Errorf("Message-ID: %q", id)
	}
	if date, err := got.Header.Date(); err != nil || time.Since(date).Abs() > time.Hour {
		t.Errorf("Date: %v, %v", date, err)
	}
	kind, parameters, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type: %q, %v", kind, err)
	}
	parts := multipart.NewReader(got.Body, parameters["boundary"])
	for _, want := range []struct{ kind, text string }{{"text/plain; charset=UTF-8", message.Text}, {"text/html; charset=UTF-8", message.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil || strings.ReplaceAll(string(text), "\r\n", "\n") != want.text || part.Header.Get("Content-Type") != want.kind {
			t.Errorf("%s: %q, %v, want %s: %q", part.Header.Get("Content-Type"), text, err, want.kind, want.text)
		}
	}

	// Many at the same time, and nothing for what would add a recipient.
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			m := mail.Message{To: fmt.Sprintf("user%d@example.com", i), Subject: "Hello", Text: "Hello."}
			if err := sender.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, m := range []mail.Message{
		{To: "ann@example.com\r\nRCPT TO:<eve@example.com>", Subject: "x", Text: "x"},
		{To: "ann@example.com> SIZE=1", Subject: "x", Text: "x"},
		{To: "ann@example.com, eve@example.com", Subject: "x", Text: "x"},
		{To: "ann@example.com", Subject: "x\r\nBcc: eve@example.com", Text: "x"},
	} {
		if err := sender.Send(t.Context(), m); !errors.Is(err, mail.ErrMessage) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	smuggled := mail.Message{To: "bob@example.com", Subject: "x", Text: "x\r\n.\r\nMAIL FROM:<eve@example.com>\n.\nRCPT TO:<eve@example.com>\r.\r"}
	if err := sender.Send(t.Context(), smuggled); err != nil {
		t.Error(err)
	}
	if mails := arrived(t, folder); len(mails) != 22 {
		t.Errorf("%d mails arrived, want 22", len(mails))
	}
	// A server whose certificate nobody has signed, or that has another name, gets nothing.
	for name, c := range map[string]smtp.Config{
		"unknown": {Host: "localhost", Port: port},
		"another": {Host: "127.0.0.1", Port: port, TLS: &tls.Config{RootCAs: roots}},
	} {
		if err := newSender(t, c).Send(t.Context(), message); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("a certificate of %s name: %v", name, err)
		}
	}
	if mails := arrived(t, folder); len(mails) != 22 {
		t.Errorf("%d mails arrived, want 22", len(mails))
	}
}

// arrived returns the mails in a maildir.
func arrived(t *testing.T, folder string) (mails []*netmail.Message) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := netmail.ReadMessage(strings.NewReader(string(data)))
		if err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		mails = append(mails, m)
	}
	return mails
}

// serve starts a mail server that answers each command as a script says, by its first word;
// what is not in it is answered with 250. Commands are returned by seen.
func serve(t *testing.T, config *tls.Config, implicit bool, script map[string]string) (port int, seen func() []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var mu sync.Mutex
	var commands []string
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { connection.Close() })
			if implicit {
				connection = tls.Server(connection, config)
			}
			go talk(connection, config, script, func(command string) {
				mu.Lock()
				defer mu.Unlock()
				commands = append(commands, command)
			})
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), commands...)
	}
}

func talk(connection net.Conn, config *tls.Config, script map[string]string, note func(string)) {
	say := func(text string) { _, _ = io.WriteString(connection, text+"\r\n") }
	if hello, ok := script["hello"]; ok {
		if hello != "" {
			say(hello)
		}
		return // and says nothing more, but leaves the connection open
	}
	say("220 mail.example")
	lines := bufio.NewReader(connection)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		note(line)
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		answer, ok := script[word]
		switch {
		case ok && answer == "":
			return // silence
		case ok:
			say(answer)
		case word == "EHLO":
			say("250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN")
		case word == "STARTTLS":
			say("220 go on")
			connection = tls.Server(connection, config)
			lines = bufio.NewReader(connection)
		case word == "AUTH":
			say("235 welcome")
		case word == "DATA":
			say("354 go on")
			for line != ".\r\n" && err == nil {
				line, err = lines.ReadString('\n')
			}
			if end, ok := script["."]; ok {
				if end == "" {
					return
				}
				say(end)
			} else {
				say("250 taken")
			}
		case word == "QUIT":
			say("221 bye")
			connection.Close()
			return
		default:
			say("250 ok")
		}
	}
}

// TestServers meets servers that refuse, are silent, or offer no TLS.
func TestServers(t *testing.T) {
	pair, roots := certificate(t, "localhost")
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	for name, test := range map[string]struct {
		script   map[string]string
		implicit bool
		want     error  // in the chain
		says     string // empty: the mail is sent
		never    string // a command that must not be sent
		short    bool   // the timeout ends it
	}{
		"well":                       {},
		"TLS from the beginning":     {implicit: true},
		"without STARTTLS":           {script: map[string]string{"EHLO": "250 mail.example"}, says: "STARTTLS", never: "MAIL"},
		"STARTTLS that is refused":   {script: map[string]string{"STARTTLS": "454 not now"}, says: "454", never: "MAIL"},
		"LOGIN only":                 {script: map[string]string{"EHLO": "250-mail.example\r\n250-STARTTLS\r\n250 AUTH LOGIN"}},
		"no way to log in":           {script: map[string]string{"EHLO": "250-mail.example\r\n250 STARTTLS"}, says: "AUTH", never: "MAIL"},
		"a wrong password":           {script: map[string]string{"AUTH": "535 no"}, says: "535", never: "MAIL"},
		"a recipient there is not":   {script: map[string]string{"RCPT": "550 no such mailbox"}, want: mail.ErrRefused, says: "550", never: "DATA"},
		"a recipient not now":        {script: map[string]string{"RCPT": "450 try again"}, says: "450", never: "DATA"},
		"a sender that is not ours":  {script: map[string]string{"MAIL": "550 who are you"}, says: "550", never: "RCPT"},
		"a mail that is refused":     {script: map[string]string{".": "554 spam"}, says: "554"},
		"a busy server":              {script: map[string]string{"hello": "421 too busy"}, says: "421"},
		"silence":                    {script: map[string]string{"hello": ""}, want: context.DeadlineExceeded, says: "deadline", short: true},
		"silence after the password": {script: map[string]string{"MAIL": ""}, want: context.DeadlineExceeded, says: "deadline", short: true},
		"silence after the mail":     {script: map[string]string{".": ""}, want: context.DeadlineExceeded, says: "deadline", short: true},
		"silence after goodbye":      {script: map[string]string{"QUIT": ""}, short: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, seen := serve(t, config, test.implicit, test.script)
			timeout := time.Minute
			if test.short {
				timeout = 2 * time.Second
			}
			sender := newSender(t, smtp.Config{
				Host: "localhost", Port: port, ImplicitTLS: test.implicit, TLS: &tls.Config{RootCAs: roots},
				User: "site", Password: "very secret", Timeout: timeout,
			})
			began := time.Now()
			err := sender.Send(t.Context(), message)
			if took := time.Since(began); took > timeout+10*time.Second {
				t.Errorf("it took %v", took)
			}
			switch {
			case test.says == "" && err != nil:
				t.Errorf("Send: %v", err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || test.want != nil && !errors.Is(err, test.want)):
				t.Errorf("Send: %v, want one that says %q", err, test.says)
			case test.want != mail.ErrRefused && errors.Is(err, mail.ErrRefused):
				t.Errorf("Send: %v: the recipient is not refused", err)
			}
			if err != nil && (strings.Contains(err.Error(), "ann@") || strings.Contains(err.Error(), "very secret")) {
				t.Errorf("the error tells the address or the password: %v", err)
			}
			for _, command := range seen() {
				if test.never != "" && strings.HasPrefix(command, test.never) {
					t.Errorf("the server was sent %q", command)
				}
				if strings.HasPrefix(command, "EHLO") && command != "EHLO example.org" {
					t.Errorf("the server was told %q", command)
				}
			}
		})
	}
}

// The context of a request ends a Send that waits.
func TestContext(t *testing.T) {
	port, _ := serve(t, nil, false, map[string]string{"hello": ""})
	sender := newSender(t, smtp.Config{Host: "localhost", Port: port})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := sender.Send(ctx, message); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused.Close()
	sender = newSender(t, smtp.Config{Host: "localhost", Port: unused.Addr().(*net.TCPAddr).Port})
	if err := sender.Send(t.Context(), message); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("a server that is down: %v", err)
	}
}

// A server on this machine can be used without TLS, and no other.
func TestPlainText(t *testing.T) {
	port, seen := serve(t, nil, false, map[string]string{"EHLO": "250 mail.example"})
	sender := newSender(t, smtp.Config{Host: "localhost", Port: port, PlainText: true})
	if err := sender.Send(t.Context(), message); err != nil {
		t.Errorf("%v: %v", err, seen())
	}
}

func TestNewRefuses(t *testing.T) {
	good := smtp.Config{Host: "smtp.example.com", User: "u", Password: "very secret", From: "no-reply@example.com"}
	for name, test := range map[string]struct {
		change func(c *smtp.Config)
		says   string // empty: nothing is wrong
	}{
		"good":                {func(*smtp.Config) {}, ""},
		"no host":             {func(c *smtp.Config) { c.Host = "" }, "Config.Host"},
		"a host with a port":  {func(c *smtp.Config) { c.Host = "smtp.example.com:25" }, "Config.Host"},
		"a URL":               {func(c *smtp.Config) { c.Host = "smtp://smtp.example.com" }, "Config.Host"},
		"a port":              {func(c *smtp.Config) { c.Port = 65536 }, "Config.Port"},
		"no from":             {func(c *smtp.Config) { c.From = "" }, "Config.From"},
		"no address":          {func(c *smtp.Config) { c.From = "Example" }, "Config.From"},
		"a header":            {func(c *smtp.Config) { c.From = "a@b.c\r\nBcc: eve@example.com" }, "Config.From"},
		"no password":         {func(c *smtp.Config) { c.Password = "" }, "belong together"},
		"plain text far away": {func(c *smtp.Config) { c.PlainText = true }, "this machine"},
		"plain text and TLS":  {func(c *smtp.Config) { c.Host, c.PlainText, c.ImplicitTLS = "localhost", true, true }, "exclude"},
		"a negative time":     {func(c *smtp.Config) { c.Timeout = -1 }, "Config.Timeout"},
	} {
		c := good
		test.change(&c)
		_, err := smtp.New(c)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, test.says)
		}
		if text := fmt.Sprintf("%v %+v %#v", c, &c, []smtp.Config{c}); strings.Contains(text, "very secret") {
			t.Errorf("the configuration is printed as %s", text)
		}
	}
}
