package mail_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/mail"
)

func TestValidate(t *testing.T) {
	good := mail.Message{To: "ann@example.com", Subject: "Hello", Text: "Hello, Ann.\n"}
	for name, test := range map[string]struct {
		change func(m *mail.Message)
		valid  bool
	}{
		"good":                     {func(*mail.Message) {}, true},
		"HTML":                     {func(m *mail.Message) { m.HTML = "<p>Hello" }, true},
		"other letters":            {func(m *mail.Message) { m.Subject, m.Text = "Grüße 日本", "日本" }, true},
		"signs in the address":     {func(m *mail.Message) { m.To = "o'brien+x=y!#$%&*/?^_`{|}~@example.com" }, true},
		"no address":               {func(m *mail.Message) { m.To = "" }, false},
		"a name":                   {func(m *mail.Message) { m.To = "Ann <ann@example.com>" }, false},
		"two addresses":            {func(m *mail.Message) { m.To = "ann@example.com, eve@example.com" }, false},
		"two without a space":      {func(m *mail.Message) { m.To = "ann@example.com,eve@example.com" }, false},
		"a header in the address":  {func(m *mail.Message) { m.To = "ann@example.com\r\nBcc: eve@example.com" }, false},
		"a parameter":              {func(m *mail.Message) { m.To = "ann@example.com> SIZE=1" }, false},
		"quotes":                   {func(m *mail.Message) { m.To = `"ann"@example.com` }, false},
		"letters before the @":     {func(m *mail.Message) { m.To = "josé@example.com" }, false},
		"a long address":           {func(m *mail.Message) { m.To = strings.Repeat("x", 250) + "@example.com" }, false},
		"a header in the subject":  {func(m *mail.Message) { m.Subject = "Hello\r\nBcc: eve@example.com" }, false},
		"a line end alone":         {func(m *mail.Message) { m.Subject = "Hello\nyou" }, false},
		"a line separator":         {func(m *mail.Message) { m.Subject = "Hello\u2028you" }, false},
		"no subject":               {func(m *mail.Message) { m.Subject = " " }, false},
		"a long subject":           {func(m *mail.Message) { m.Subject = strings.Repeat("x", 251) }, false},
		"a subject of other bytes": {func(m *mail.Message) { m.Subject = "\xff" }, false},
		"no text":                  {func(m *mail.Message) { m.Text, m.HTML = "", "<p>" }, false},
		"much text":                {func(m *mail.Message) { m.Text = strings.Repeat("x", 256<<10+1) }, false},
		"much HTML":                {func(m *mail.Message) { m.HTML = strings.Repeat("x", 256<<10+1) }, false},
		"a text of other bytes":    {func(m *mail.Message) { m.Text = "\xff" }, false},
		"a zero":                   {func(m *mail.Message) { m.HTML = "<p>\x00" }, false},
	} {
		m := good
		test.change(&m)
		err := m.Validate()
		if (err == nil) != test.valid || err != nil && !errors.Is(err, mail.ErrMessage) || err != nil && strings.Contains(err.Error(), "ann@") {
			t.Errorf("%s: %v, want it valid: %v", name, err, test.valid)
		}
		var outbox mail.Outbox
		sent := outbox.Send(t.Context(), m) == nil && (&mail.Limited{Sender: &outbox}).Send(t.Context(), m) == nil
		if sent != test.valid || len(outbox.Messages()) > 0 != test.valid {
			t.Errorf("%s: sent: %v", name, sent)
		}
	}
}

func TestTemplates(t *testing.T) {
	templates, err := mail.ParseTemplates(fstest.MapFS{
		"reset.txt":      {Data: []byte("Subject: Hello {{.Name}}\r\n\r\nDear {{.Name}},\r\n{{.Link}}\r\n{{template \"_end.txt\" .}}")},
		"reset.html":     {Data: []byte(`<p>Dear {{.Name}}, <a href="{{.Link}}">here</a>{{template "_end.html"}}`)},
		"_end.txt":       {Data: []byte("Bye, {{.Name}}")},
		"_end.html":      {Data: []byte("<p>Bye")},
		"plain.txt":      {Data: []byte("Subject: Plain\nText only.\n")},
		"readme.md":      {Data: []byte("not a template")},
		"more/other.txt": {Data: []byte("not in the top folder")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if names := templates.Names(); fmt.Sprint(names) != "[plain reset]" {
		t.Errorf("the names are %v", names)
	}
	data := map[string]string{"Name": "<Ann> & 日本", "Link": "https://example.com/reset?t=a&b=c"}
	m, err := templates.Message("reset", "ann@example.com", data)
	want := mail.Message{
		To: "ann@example.com", Subject: "Hello <Ann> & 日本",
		Text: "Dear <Ann> & 日本,\nhttps://example.com/reset?t=a&b=c\nBye, <Ann> & 日本",
		HTML: `<p>Dear &lt;Ann&gt; &amp; 日本, <a href="https://example.com/reset?t=a&amp;b=c">here</a><p>Bye`,
	}
	if err != nil || m != want {
		t.Errorf("%+v, %v, want %+v", m, err, want)
	}
	if m, err := templates.Message("plain", "ann@example.com", nil); err != nil || m.Text != "Text only.\n" || m.HTML != "" {
		t.Errorf("%+v, %v", m, err)
	}
	for what, call := range map[string]func() (mail.Message, error){
		"no template": func() (mail.Message, error) { return templates.Message("none", "ann@example.com", data) },
		"a part":      func() (mail.Message, error) { return templates.Message("_end", "ann@example.com", data) },
		"a missing key": func() (mail.Message, error) {
			return templates.Message("reset", "ann@example.com", map[string]string{})
		},
		"no address": func() (mail.Message, error) { return templates.Message("reset", "ann", data) },
		"a line end": func() (mail.Message, error) {
			return templates.Message("reset", "ann@example.com", map[string]string{"Name": "x\r\nBcc: eve@example.com", "Link": ""})
		},
		"another struct": func() (mail.Message, error) { return templates.Message("reset", "ann@example.com", struct{ X int }{}) },
	} {
		if m, err := call(); err == nil || m != (mail.Message{}) {
			t.Errorf("%s: %+v, %v", what, m, err)
		}
	}
	for says, files := range map[string]fstest.MapFS{
		"no template":  {},
		"first line":   {"a.txt": {Data: []byte("Hello\nSubject: x")}},
		"the subject":  {"a.txt": {Data: []byte("Subject: \ntext")}},
		"no a.txt":     {"a.html": {Data: []byte("<p>")}},
		"a.txt":        {"a.txt": {Data: []byte("Subject: x\n{{")}},
		"a.html":       {"a.txt": {Data: []byte("Subject: x\n")}, "a.html": {Data: []byte("{{end}}")}},
		"unterminated": {"a.txt": {Data: []byte("Subject: {{\"x\n")}},
	} {
		if _, err := mail.ParseTemplates(files); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want an error that says %q", err, says)
		}
	}
}

func TestOutbox(t *testing.T) {
	var outbox mail.Outbox
	var wg sync.WaitGroup
	for i := range 150 {
		wg.Go(func() {
			if err := outbox.Send(t.Context(), mail.Message{To: "ann@example.com", Subject: fmt.Sprint(i), Text: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := outbox.Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "last", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	messages := outbox.Messages()
	if len(messages) != 100 || messages[0].Subject != "last" || time.Since(messages[0].At) > time.Hour {
		t.Errorf("%d messages, the first is %+v", len(messages), messages[0])
	}
	messages[0].Subject = "changed"
	if outbox.Messages()[0].Subject != "last" {
		t.Error("the outbox hands out its own messages")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := outbox.Send(over, mail.Message{To: "ann@example.com", Subject: "x", Text: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
}

func TestLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outbox mail.Outbox
		down := errors.New("the server is down")
		fail := false
		limited := &mail.Limited{Sender: mail.SenderFunc(func(ctx context.Context, m mail.Message) error {
			if fail {
				return down
			}
			return outbox.Send(ctx, m)
		})}
		send := func(to string, want error) {
			t.Helper()
			if err := limited.Send(t.Context(), mail.Message{To: to, Subject: "x", Text: "x"}); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", to, err, want)
			}
		}
		fail = true
		for range 5 {
			send("ann@example.com", down) // does not count
		}
		fail = false
		send("ann@example.com", nil)
		time.Sleep(20 * time.Minute)
		send("Ann@Example.com", nil)
		send("ann@example.com", nil)
		send("ANN@example.com", mail.ErrLimit)
		send("bob@example.com", nil)
		time.Sleep(40*time.Minute - time.Second)
		send("ann@example.com", mail.ErrLimit)
		time.Sleep(time.Second)
		send("ann@example.com", nil)
		send("ann@example.com", mail.ErrLimit)
		if n := len(outbox.Messages()); n != 5 {
			t.Errorf("%d mails were sent, want 5", n)
		}
		one := &mail.Limited{Sender: &outbox, PerHour: 1}
		if err := one.Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "x", Text: "x"}); err != nil {
			t.Error(err)
		}
		if err := one.Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "x", Text: "x"}); err != mail.ErrLimit {
			t.Errorf("the second of one: %v", err)
		}
	})
}

// Of many mails at the same time to one recipient three are sent.
func TestLimitedRace(t *testing.T) {
	var outbox mail.Outbox
	limited := &mail.Limited{Sender: &outbox}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_ = limited.Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "x", Text: "x"})
		})
	}
	wg.Wait()
	if n := len(outbox.Messages()); n != 3 {
		t.Errorf("%d mails were sent, want 3", n)
	}
}

// Recipients without end do not fill the memory, and make no room for more mails.
func TestLimitedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := &mail.Limited{Sender: mail.SenderFunc(func(context.Context, mail.Message) error { return nil })}
		send := func(i int) error {
			return limited.Send(t.Context(), mail.Message{To: fmt.Sprintf("a%d@example.com", i), Subject: "x", Text: "x"})
		}
		for i := range 100_000 {
			if err := send(i); err != nil {
				t.Fatal(err)
			}
		}
		if err := send(100_000); err != mail.ErrLimit {
			t.Errorf("one more recipient: %v", err)
		}
		if err := send(7); err != nil {
			t.Errorf("a second mail to an earlier one: %v", err)
		}
		time.Sleep(time.Hour)
		if err := send(100_000); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}
