package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// A line is a connection to the demo that delays data in both directions and can lose
// responses.
type line struct {
	delay time.Duration

	mu    sync.Mutex
	posts int  // posts that went through it
	cuts  bool // whether to lose the responses to posts
	lost  int  // lost responses
}

// connect returns the demo at an address that leads through a line.
func (d *site) connect(t *testing.T, delay time.Duration) (*site, *line) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{delay: delay}
	server := strings.TrimPrefix(d.url, "http://")
	var open sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { l.carry(ctx, client, server) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		stop()
		open.Wait()
	})
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return &site{url: "http://localhost:" + port, password: d.password}, l
}

// carry copies one connection until one of its sides ends.
func (l *line) carry(ctx context.Context, client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	ctx, end := context.WithCancel(ctx)
	context.AfterFunc(ctx, func() {
		client.Close()
		server.Close()
	})
	lost := false // whether to lose the response to the client's last request
	var both sync.WaitGroup
	both.Go(func() {
		defer end()
		l.pump(server, client, func(request []byte) bool {
			method, _, _ := bytes.Cut(request, []byte(" "))
			l.mu.Lock()
			defer l.mu.Unlock()
			switch string(method) {
			case http.MethodPost:
				l.posts++
				lost = l.cuts
			case http.MethodGet:
				lost = false
			}
			return true
		})
	})
	both.Go(func() {
		defer end()
		l.pump(client, server, func([]byte) bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			if lost {
				l.lost++
			}
			return !lost
		})
	})
	both.Wait()
}

// pump copies the parts that pass accepts, each after the line's delay.
func (l *line) pump(to, from net.Conn, pass func([]byte) bool) {
	type part struct {
		data []byte
		due  time.Time
	}
	parts := make(chan part, 1024)
	var writer sync.WaitGroup
	writer.Go(func() {
		for p := range parts {
			time.Sleep(time.Until(p.due))
			to.Write(p.data) // if that fails, the reader soon fails too
		}
	})
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !pass(buffer[:n]) {
				break
			}
			parts <- part{bytes.Clone(buffer[:n]), time.Now().Add(l.delay)}
		}
		if err != nil {
			break
		}
	}
	close(parts)
	writer.Wait()
}

// cut sets whether responses to posts are lost, and returns how many were.
func (l *line) cut(on bool) (lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = on
	return l.lost
}

func (l *line) posted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.posts
}

// user makes a user with the password password.
func (d *site) user(t *testing.T, name string) {
	t.Helper()
	response, err := http.PostForm(d.url+"/signup", url.Values{"name": {name}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK { // of the front page
		t.Fatalf("signing up: %s", response.Status)
	}
}

// settles waits until the browser has loaded a page and the expression is true on it.
func (b *browser) settles(expression string) error {
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var there bool
		// Between two pages there is none to evaluate the expression, which is an error.
		there, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.readyState == 'complete' && ("+expression+")"))
		if err == nil && there {
			return nil
		}
	}
	where, _ := chromedp.Run(b.ctx, chromedp.Location())
	return errors.Join(fmt.Errorf("not there within a minute: %s; the browser is at %s", expression, where), err)
}

// click clicks at a position. The click is the nth of a double click.
func click(at []float64, nth int) chromedp.Action[chromedp.Void] {
	return chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(nth))
}

// fillIn is a script that fills in name and password, and returns the position of the
// button.
const fillIn = `(() => {
	document.getElementById('name').value = %q
	document.getElementById('password').value = %q
	const button = document.querySelector('.primary').getBoundingClientRect()
	return [button.x + button.width / 2, button.y + button.height / 2]
})()`

// clickTwice logs in by two clicks on the button, as a visitor who already has a session,
// and returns the path to which /account then leads.
func (b *browser) clickTwice(name string, gap time.Duration, nth int) (string, error) {
	if _, err := chromedp.Call(b.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		return "", err
	}
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.site.url), chromedp.Navigate(b.site.url+"/login")); err != nil {
		return "", err
	}
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(fillIn, name, password)))
	if err != nil {
		return "", err
	}
	first := time.Now()
	if err := chromedp.Do(b.ctx, click(at, 1)); err != nil {
		return "", err
	}
	time.Sleep(gap - time.Since(first))
	if err := chromedp.Do(b.ctx, click(at, nth)); err != nil {
		return "", err
	}
	if err := b.settles("location.pathname != '/login'"); err != nil {
		return "", err
	}
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.site.url+"/account")); err != nil {
		return "", err
	}
	return chromedp.Run(b.ctx, chromedp.Location())
}

// Two clicks on "Log in" log the user in, whichever of the two responses reaches the
// browser.
func TestTwoClicksLogIn(t *testing.T) {
	direct := start(t)
	d, l := direct.connect(t, 80*time.Millisecond)
	type try struct {
		gap time.Duration
		nth int // of the second click: 2 makes it a double click
	}
	tries := make(chan try)
	const visitors = 5
	var all sync.WaitGroup
	for i := range visitors {
		name := fmt.Sprint("ann", i)
		direct.user(t, name)
		b := open(t, d)
		all.Go(func() {
			for try := range tries {
				switch at, err := b.clickTwice(name, try.gap, try.nth); {
				case err != nil:
					t.Errorf("%v apart: %v", try.gap, err)
				case at != d.url+"/account":
					t.Errorf("%v apart, click %d: the account is at %s: nobody is logged in", try.gap, try.nth, at)
				}
			}
		})
	}
	n := 0
	for _, milliseconds := range []int{0, 20, 50, 80, 110, 150, 190, 230, 270, 300} {
		gap := time.Duration(milliseconds) * time.Millisecond
		for _, nth := range []int{1, 1, 2} {
			tries <- try{gap, nth}
			n++
		}
	}
	close(tries)
	all.Wait()
	second := l.posted() - n
	t.Logf("%d tries, the second click has sent the form again in %d", n, second)
	if second < n/6 {
		t.Errorf("only %d of %d second clicks have sent the form again", second, n)
	}
}

// After any lost response, the next login succeeds.
func TestLoginAfterALostResponse(t *testing.T) {
	direct := start(t)
	d, l := direct.connect(t, 0)
	// loses submits a form whose response is lost.
	loses := func(b *browser, button string, fields ...string) {
		t.Helper()
		for i := 0; i < len(fields); i += 2 {
			b.do(chromedp.SendKeys(chromedp.CSS("#"+fields[i]), fields[i+1]))
		}
		before := l.cut(true)
		_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(button)))
		if after := l.cut(false); err == nil || after == before {
			t.Fatalf("the response was not lost: error %v, %d of them", err, after-before)
		}
	}
	logIn := func(b *browser, name, password string) {
		t.Helper()
		b.visit("/login?next=/account")
		b.at("/login?next=/account")
		b.submit(".primary", "name", name, "password", password)
		b.at("/account")
		b.shows("Welcome back, "+name+".", "Where you are logged in")
	}
	another := "another " + password
	tests := map[string]func(b *browser) (passwordThen string){
		"login": func(b *browser) string {
			direct.user(t, "login")
			b.visit("/")
			b.visit("/login")
			loses(b, ".primary", "name", "login", "password", password)
			return password
		},
		"logout": func(b *browser) string {
			direct.user(t, "logout")
			logIn(b, "logout", password)
			loses(b, ".menu button")
			return password
		},
		"sign-up": func(b *browser) string {
			b.visit("/")
			b.visit("/signup")
			loses(b, ".primary", "name", "sign-up", "password", password)
			return password
		},
		"change of password": func(b *browser) string {
			direct.user(t, "change of password")
			logIn(b, "change of password", password)
			loses(b, "form .primary", "old", password, "new", another)
			return another
		},
	}
	for name, lose := range tests {
		b := open(t, d)
		logIn(b, name, lose(b))
		b.visit("/account") // and stays so
		b.at("/account")
	}
}

// back goes back and returns the path of the page that is then there, and its text.
// (chromedp finds no elements on a page that was kept whole.)
func (b *browser) back() (path, text string) {
	b.t.Helper()
	here := run(b, chromedp.Location())
	b.do(chromedp.Evaluate[chromedp.Void]("void setTimeout(() => history.back())"))
	const look = "document.readyState != 'complete' ? [] : [location.href, document.body.innerText]"
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		// Between two pages there is none to evaluate the expression, which is an error.
		page, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](look))
		if err == nil && len(page) == 2 && page[0] != here {
			return strings.TrimPrefix(page[0], b.site.url), page[1]
		}
	}
	b.t.Fatalf("still at %s a minute after Back", here)
	return "", ""
}

// After a logout the Back button shows no page of the user, although the browser keeps
// whole pages.
func TestBackAfterLogout(t *testing.T) {
	for _, kind := range []string{"memory", "cookie"} {
		t.Run(kind, func(t *testing.T) {
			d := start(t, "-sessions="+kind)
			d.user(t, "annabel")
			b := open(t, d)
			// logIn leads to the account by the redirect of the login.
			logIn := func() {
				b.visit("/login?next=/account")
				b.submit(".primary", "name", "annabel", "password", password)
				b.at("/account")
			}
			shop := func() {
				b.load(chromedp.Click(chromedp.CSS(".menu a[href='/cart']")))
				b.at("/cart")
				b.shows("annabel")
			}
			logOut := func() {
				b.load(chromedp.Click(chromedp.CSS(".menu button")))
				b.at("/login?out=1")
			}
			backAt := func(want string) {
				t.Helper()
				path, text := b.back()
				if path != want {
					t.Errorf("Back leads to %s, want %s", path, want)
				}
				for _, secret := range []string{"annabel", "Where you are logged in"} {
					if strings.Contains(text, secret) {
						t.Errorf("%q is on the page at %s:\n%s", secret, path, text)
					}
				}
			}

			logIn()
			b.do(chromedp.Evaluate[chromedp.Void]("void (window.kept = true)"))
			shop()
			if path, text := b.back(); path != "/account" || !strings.Contains(text, "annabel") {
				t.Errorf("before the logout Back leads to %s:\n%s", path, text)
			}
			if !run(b, chromedp.Evaluate[bool]("window.kept === true")) {
				t.Error("the browser keeps no page to go back to: what follows shows nothing")
			}
			b.visit("/account")
			logOut()
			backAt("/login?next=%2Faccount")

			logIn()
			logOut()
			backAt("/login?next=%2Faccount")

			logIn()
			shop()
			logOut()
			backAt("/cart")
			backAt("/login?next=%2Faccount")

			b.visit("/signup?next=/account")
			b.submit(".primary", "name", "annabella", "password", password)
			b.at("/account")
			logOut()
			backAt("/login?next=%2Faccount")
		})
	}
}
