package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A firefox is a Firefox with one tab. The tests drive it with the protocol WebDriver
// BiDi (https://www.w3.org/TR/webdriver-bidi/), which Firefox supports without a driver.
type firefox struct {
	tab
	conn    *websocket.Conn
	context string        // the id of the tab
	loaded  chan struct{} // a page has been loaded

	mutex   sync.Mutex
	last    int // the id of the last command
	waiting map[int]chan bidiMessage
}

// A bidiMessage is a response to a command, or an event.
type bidiMessage struct {
	Type    string          `json:"type"`
	ID      int             `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

var bidiAddress = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)

// openFirefox starts a Firefox with a new profile, and stops it when the test ends.
func openFirefox(t *testing.T, s *site) *firefox {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, "firefox-esr", "--headless", "--no-remote", "--profile", t.TempDir(), "--remote-debugging-port=0")
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("%v: make e2e installs it", err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if found := bidiAddress.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
	}()
	f := &firefox{loaded: make(chan struct{}, 100), waiting: map[int]chan bidiMessage{}}
	f.tab = tab{t, s, f.evaluate}
	select {
	case found := <-address:
		if f.conn, _, err = websocket.Dial(ctx, found+"/session", nil); err != nil {
			t.Fatal(err)
		}
	case <-ended:
		t.Fatal("Firefox did not start")
	case <-time.After(time.Minute):
		t.Fatal("Firefox printed no address within a minute")
	}
	f.conn.SetReadLimit(-1)
	go f.listen(ctx)
	t.Cleanup(func() { // before the profile is removed
		f.command("browser.close", map[string]any{}, nil)
		f.conn.CloseNow()
		<-ended
		command.Wait()
	})

	f.command("session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	var tree struct {
		Contexts []struct{ Context string }
	}
	f.command("browsingContext.getTree", map[string]any{}, &tree)
	f.context = tree.Contexts[0].Context
	f.command("session.subscribe", map[string]any{"events": []string{"browsingContext.load"}}, nil)
	f.resize(1280)
	return f
}

// listen passes each message to the goroutine that waits for it, until the connection
// ends.
func (f *firefox) listen(ctx context.Context) {
	for {
		var m bidiMessage
		if err := wsjson.Read(ctx, f.conn, &m); err != nil {
			f.mutex.Lock()
			defer f.mutex.Unlock()
			for id, waiting := range f.waiting {
				waiting <- bidiMessage{Type: "error", Message: err.Error()}
				delete(f.waiting, id)
			}
			return
		}
		if m.Type == "event" {
			select {
			case f.loaded <- struct{}{}:
			default:
			}
			continue
		}
		f.mutex.Lock()
		waiting := f.waiting[m.ID]
		delete(f.waiting, m.ID)
		f.mutex.Unlock()
		if waiting != nil {
			waiting <- m
		}
	}
}

// command sends a command and decodes its result, if result is not nil.
func (f *firefox) command(method string, params map[string]any, result any) {
	f.t.Helper()
	answer := make(chan bidiMessage, 1)
	f.mutex.Lock()
	f.last++
	id := f.last
	f.waiting[id] = answer
	f.mutex.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := wsjson.Write(ctx, f.conn, map[string]any{"id": id, "method": method, "params": params}); err != nil {
		f.t.Fatalf("%s: %v", method, err)
	}
	select {
	case m := <-answer:
		if m.Type == "error" {
			f.t.Fatalf("%s: %s %s", method, m.Error, m.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				f.t.Fatalf("%s: %v", method, err)
			}
		}
	case <-ctx.Done():
		f.t.Fatalf("%s: no response within a minute", method)
	}
}

// An evaluation is the result of script.evaluate.
type evaluation struct {
	Type   string
	Result struct {
		SharedID string
		Value    json.RawMessage
	}
	ExceptionDetails struct{ Text string }
}

func (f *firefox) script(expression string) evaluation {
	f.t.Helper()
	var e evaluation
	f.command("script.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "target": map[string]any{"context": f.context},
	}, &e)
	if e.Type != "success" {
		f.t.Fatalf("%s: %s", expression, e.ExceptionDetails.Text)
	}
	return e
}

// evaluate returns the value of an expression as JSON.
func (f *firefox) evaluate(expression string) []byte {
	f.t.Helper()
	var text string
	if err := json.Unmarshal(f.script("JSON.stringify("+expression+")").Result.Value, &text); err != nil {
		f.t.Fatalf("%s: %v", expression, err)
	}
	return []byte(text)
}

// status returns the status of the page that is shown.
func (f *firefox) status() int64 {
	f.t.Helper()
	return value[int64](f.tab, "performance.getEntriesByType('navigation')[0].responseStatus")
}

func (f *firefox) visit(path string) int64 {
	f.t.Helper()
	f.command("browsingContext.navigate", map[string]any{"context": f.context, "url": f.site.url + path, "wait": "complete"}, nil)
	return f.status()
}

// press clicks on an element with the mouse.
func (f *firefox) press(selector string) {
	f.t.Helper()
	element := f.script(fmt.Sprintf("(e => { e.scrollIntoView({block: 'center'}); return e })(document.querySelector(%q))", selector))
	origin := map[string]any{"type": "element", "element": map[string]any{"sharedId": element.Result.SharedID}}
	f.act(map[string]any{"type": "pointer", "id": "mouse", "actions": []map[string]any{
		{"type": "pointerMove", "x": 0, "y": 0, "origin": origin}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0},
	}})
}

func (f *firefox) act(source map[string]any) {
	f.t.Helper()
	f.command("input.performActions", map[string]any{"context": f.context, "actions": []map[string]any{source}}, nil)
}

// click clicks on an element that leads to a page, and returns the status of that page.
func (f *firefox) click(selector string) int64 {
	f.t.Helper()
	for len(f.loaded) > 0 {
		<-f.loaded
	}
	f.press(selector)
	select {
	case <-f.loaded:
	case <-time.After(time.Minute):
		f.t.Fatalf("a click on %s led nowhere within a minute", selector)
	}
	return f.status()
}

func (f *firefox) submit(button string, fields ...string) int64 {
	f.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		f.press("#" + fields[i])
		var keys []map[string]any
		for key := range strings.SplitSeq(fields[i+1], "") {
			keys = append(keys, map[string]any{"type": "keyDown", "value": key}, map[string]any{"type": "keyUp", "value": key})
		}
		f.act(map[string]any{"type": "key", "id": "keyboard", "actions": keys})
	}
	return f.click(button)
}

func (f *firefox) resize(width int64) {
	f.t.Helper()
	f.command("browsingContext.setViewport", map[string]any{"context": f.context, "viewport": map[string]any{"width": width, "height": 800}}, nil)
}

// shoot puts the page on the contact sheet.
func (f *firefox) shoot(section, name, form string) {
	f.t.Helper()
	var shot struct{ Data []byte }
	f.command("browsingContext.captureScreenshot", map[string]any{
		"context": f.context, "origin": "document", "format": map[string]any{"type": "image/jpeg", "quality": 0.85},
	}, &shot)
	keepShot(f.t, section, name, form, shot.Data)
}
