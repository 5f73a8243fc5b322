package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

const site = "https://shop.example"

// startTwo starts two instances of the program, which share nothing but Datastore and the secret of the keys.
func startTwo(t *testing.T) (one, two *instance, f *frontEnd, v *visitor) {
	t.Helper()
	data, g := datastoretest.Start(t), startGoogle(t)
	environment := []string{
		"DATASTORE_EMULATOR_HOST=" + data.Addr, "GOOGLE_CLOUD_PROJECT=" + data.Project,
		"SESSION_KEYS_SECRET=projects/shop/secrets/session-keys/versions/latest",
		"GCE_METADATA_HOST=" + strings.TrimPrefix(g.URL, "http://"), "SECRET_MANAGER=" + g.URL,
		"LOG_LEVEL=debug", "REQUEST_LOG=true",
	}
	one, two = startInstance(t, environment...), startInstance(t, environment...)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	f = &frontEnd{to: one}
	return one, two, f, &visitor{t, site, http.Client{Transport: f, Jar: jar}}
}

func TestTwoInstancesOnAppEngine(t *testing.T) {
	const password = "correct horse battery"
	one, two, f, v := startTwo(t)

	v.sees(200, "/signup", "Welcome, ann.", "name", "ann", "password", password, "next", "/account")
	v.sees(200, "/cart", "Field notebook is in your cart.", "product", "notebook", "action", "add")
	f.use(two)
	v.sees(200, "/account", ", this browser")
	v.sees(200, "/cart", "€ 12.50</strong>")
	v.sees(200, "/logout", "You are logged out.", "x", "")
	f.use(one)
	v.sees(200, "/account", "<h1>Log in</h1>")
	v.sees(401, "/login", "name or the password is wrong", "name", "ann", "password", "wrong horse battery")
	v.sees(404, "/nowhere", "There is nothing at this address.")

	// The login is slow. The instance is told to stop while the login runs.
	finish := v.slowPost(one, "/login", url.Values{"name": {"ann"}, "password": {password}})
	one.terminate(t)
	if answer := finish(); answer.StatusCode != http.StatusFound {
		t.Errorf("the request under way got %s", answer.Status)
	}
	f.use(two)
	v.sees(200, "/account", ", this browser")

	v.sees(403, "/cron/sessions", "for the cron service only")
	if status, body := v.cron("/cron/sessions"); status != 200 || body != `{"deleted":0,"more":false}` {
		t.Errorf("cron got %d %s", status, body)
	}
	v.sees(200, "/health", `{"healthy":true,"services":{"datastore":true}}`)
	two.terminate(t)

	logs := one.logged(t) + two.logged(t)
	for line := range strings.Lines(logs) {
		var record struct{ Severity, Message, Time string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Severity == "" || record.Message == "" || record.Time == "" {
			t.Errorf("not a line for Cloud Logging: %v %s", err, line)
		}
	}
	for _, want := range []string{`"route":"/login"`, `"httpRequest":{"requestMethod":"POST"`, "traces/105445aa7843bc8bf206b12000100000"} {
		if !strings.Contains(logs, want) {
			t.Errorf("missing %s in\n%s", want, logs)
		}
	}
	secrets := append(secretsOf(t, f), password, "wrong horse", goodKey, token)
	for _, secret := range secrets {
		if strings.Contains(logs, secret) {
			t.Errorf("the logs hold a secret: %.12s...", secret)
		}
	}
}

// secretsOf lists the values of all cookies, and every part of them, in each encoding, that
// could be the id of a session.
func secretsOf(t *testing.T, f *frontEnd) (secrets []string) {
	t.Helper()
	for _, value := range f.cookies {
		if value == "" {
			continue // of a session that was ended
		}
		raw, err := base64.URLEncoding.DecodeString(value)
		if err != nil {
			t.Fatalf("a cookie that securecookie has not made: %v", err)
		}
		secrets = append(secrets, value)
		for i := 0; i+32 <= len(raw); i++ {
			id := raw[i : i+32]
			secrets = append(secrets, base64.RawURLEncoding.EncodeToString(id), base64.RawStdEncoding.EncodeToString(id), hex.EncodeToString(id))
		}
	}
	if len(secrets) < 100 {
		t.Errorf("only %d secrets to look for: were there no cookies?", len(secrets))
	}
	return secrets
}

// slowPost sends a form of which the last byte is missing until finish is called. When
// it returns, the handler is reading the form.
func (v *visitor) slowPost(to *instance, path string, form url.Values) (finish func() *http.Response) {
	v.t.Helper()
	connection, err := net.Dial("tcp", to.address)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { connection.Close() })
	body := form.Encode()
	r, err := http.NewRequest(http.MethodPost, site+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range v.Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	v.Transport.(*frontEnd).rewrite(context.Background(), r.Header)
	fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\nExpect: 100-continue\r\n", path, len(body))
	if err := r.Header.Write(connection); err != nil {
		v.t.Fatal(err)
	}
	io.WriteString(connection, "\r\n")
	answers := bufio.NewReader(connection)
	line, err := answers.ReadString('\n')
	if err != nil || !strings.Contains(line, " 100 ") {
		v.t.Fatalf("got %q, %v, want 100 Continue", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		v.t.Fatal(err)
	}
	io.WriteString(connection, body[:len(body)-1])
	return func() *http.Response {
		io.WriteString(connection, body[len(body)-1:])
		answer, err := http.ReadResponse(answers, r)
		if err != nil {
			v.t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		v.Jar.SetCookies(r.URL, answer.Cookies())
		return answer
	}
}

// cron requests a path as App Engine's cron service does.
func (v *visitor) cron(path string) (status int, body string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(context.WithValue(v.t.Context(), cron{}, true), "GET", site+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	answer, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(read))
}

// A client that sends the header is not App Engine's cron service. App Engine removes the
// header from outside requests, and elsewhere it has no meaning.
func TestCronFromOutside(t *testing.T) {
	v := visit(t)
	r, err := http.NewRequest("GET", v.url+"/cron/sessions", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Appengine-Cron", "true")
	answer, err := v.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", answer.StatusCode)
	}
}

func TestRefusalSaysWhatToSet(t *testing.T) {
	g := startGoogle(t)
	cloud := []string{"GAE_ENV=standard", "GCE_METADATA_HOST=" + strings.TrimPrefix(g.URL, "http://"), "SECRET_MANAGER=" + g.URL, "SESSION_KEYS_SECRET=session-keys"}
	for name, test := range map[string]struct {
		environment []string
		want        []string
	}{
		"no secret":          {[]string{"GAE_ENV=standard", "GOOGLE_CLOUD_PROJECT=shop"}, []string{"SESSION_KEYS_SECRET"}},
		"no project":         {cloud, []string{"GOOGLE_CLOUD_PROJECT"}},
		"another secret":     {append(cloud, "GOOGLE_CLOUD_PROJECT=other", "SESSIONS=cookie"), []string{"SESSION_KEYS_SECRET", "projects/other/secrets/session-keys"}},
		"a wrong memcache":   {append(cloud, "GOOGLE_CLOUD_PROJECT=shop", "SESSIONS=memcache", "MEMCACHED=:0:0"), []string{"--memcached"}},
		"sessions in memory": {append(cloud, "GOOGLE_CLOUD_PROJECT=shop", "SESSIONS=memory", "USERS=memory", "DEBUG=true"), []string{"not started on App Engine", "sessions in memory", "users in memory", "DEBUG, SESSIONS and USERS"}},
		"Insecure":           {append(cloud, "GOOGLE_CLOUD_PROJECT=shop", "SESSIONS=cookie", "USERS=memory", "INSECURE=true"), []string{"GAE_ENV is set", "plain http"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := program(t)
			command.Env = append(slices.Clone(command.Env), test.environment...)
			var errout strings.Builder
			command.Stderr = &errout
			if got := exitStatus(t, command.Run()); got != 1 {
				t.Errorf("status %d, want 1", got)
			}
			if strings.Count(errout.String(), "\n") != 1 || !strings.HasPrefix(errout.String(), "demo: ") {
				t.Errorf("not one line: %q", errout.String())
			}
			for _, want := range test.want {
				if !strings.Contains(errout.String(), want) {
					t.Errorf("missing %q in %s", want, &errout)
				}
			}
		})
	}
}
