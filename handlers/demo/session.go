package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// SessionHandler is the page /session: the life of the visitor's session, in the browser, on
// the server and in time. It reads the session and changes nothing.
type SessionHandler struct {
	handlers.BaseHandler
	watch *Watch
}

// sessionPath is the path of the page.
const sessionPath = "/session"

type sessionData struct {
	Change   uint64 // the newest that the page shows, for the stream
	Sessions []sessionView
	Others   []otherCookie
	Visits   []visit // the newest ones
	Older    []visit
	Tries    []tryView
	Tried    *trial
	Down     int // how many more seconds the backend is down for this visitor
	Statuses []legend
	Words    []word
}

// A sessionView is one session of the site, as the browser and the server see it.
type sessionView struct {
	Name   string
	Status sessions.Status
	Means  string // what the status means

	Cookie     string
	Sent       int // how many cookies of this name the browser has sent
	Size       int // of the first one, in bytes
	Attributes []attribute
	Parts      []part

	Backend        string // its type; empty if the data is in the cookie
	BackendMeans   string
	ID             string // the key of the record
	Bytes          int
	Version        string
	Created, Seen  time.Time
	Noted          string // how often Seen is written at most; empty if it never is
	Idle, Absolute deadline
	User, UserName string // its id and its name
	LoginBy        string
	Remembered     bool
	Values         []value
	Missing        bool
}

// newestVisits is how many visits the page shows at once, or all of a trial if these are more.
const newestVisits = 6

// An otherCookie is a cookie without a session.
type otherCookie struct {
	Name, Purpose string
	Size          int // in bytes; 0 if the browser has not sent it
}

// An attribute is one attribute of a cookie.
type attribute struct{ Name, Prevents string }

// A part is one part of a cookie's value. Secret parts are masked.
type part struct {
	Name, Text, Means string
	Secret            bool
}

// A value is one key of a session.
type value struct{ Key, Text string }

// A deadline is when a session ends. If At is zero, there is none.
type deadline struct {
	At         time.Time
	Left, Span int // in seconds
}

// For returns how long it is until then.
func (d deadline) For() string {
	if days := (d.Left + 12*60*60) / (24 * 60 * 60); days > 1 {
		return strconv.Itoa(days) + " days"
	}
	return (time.Duration(d.Left) * time.Second).String()
}

// inWords writes a time in whole minutes, or in whole hours from two hours on.
func inWords(span time.Duration) string {
	if span < 2*time.Hour {
		return fmt.Sprintf("%.0f minutes", span.Minutes())
	}
	return fmt.Sprintf("%.0f hours", span.Hours())
}

// brief returns the end of a version. That is enough to see that it has changed.
func brief(version uint64) string {
	text := strconv.FormatUint(version, 10)
	if len(text) > 6 {
		return "…" + text[len(text)-4:]
	}
	return text
}

func until(from time.Time, span time.Duration) deadline {
	if span == 0 || from.IsZero() {
		return deadline{}
	}
	at := from.Add(span)
	return deadline{at, int(max(0, time.Until(at)).Seconds()), int(span.Seconds())}
}

// A legend explains one status.
type legend struct {
	Status sessions.Status
	Means  string
}

var statuses = []legend{
	{sessions.StatusNew, "your browser has sent no cookie of it, so there is no session yet"},
	{sessions.StatusLoaded, "your cookie was accepted, and the session was read"},
	{sessions.StatusExpired, "it was unused for too long, or began too long ago"},
	{sessions.StatusGone, "another request has ended it or given it a new id, or the backend has lost it"},
	{sessions.StatusTampered, "the cookie was not signed here"},
	{sessions.StatusUnreadable, "the cookie was signed here, but this program cannot read the session"},
	{sessions.StatusDown, "the backend does not answer"},
	{sessions.StatusClock, "the cookie has a date in the future"},
}

func meaning(status sessions.Status) string {
	for _, l := range statuses {
		if l.Status == status {
			return l.Means
		}
	}
	return ""
}

// A word is one that the page uses, and what it means.
type word struct{ Word, Means string }

var words = []word{
	{"backend", "Where the server keeps sessions: its memory, a database, or a server such as memcached."},
	{"record", "One session in a backend, under the hash of its id."},
	{"renewed", "A login gives the session a new id. Somebody may know the old one, and must not be logged in with it."},
	{"tombstone", "What is put in the place of a record when the session ends or gets a new id. A slow request that has read the session before finds it, and does not bring the session back. If the session is ended from elsewhere, its record is deleted after that: a save never creates a record that was deleted."},
	{"conflict, retried", "Another request has saved meanwhile. The record is read again, the changes are made again on it, and it is saved."},
	{"flash", "A message that is kept in the session until a page shows it."},
}

// backends says what each type of backend is.
var backends = map[string]string{
	"sessions.Memory":   "the memory of this program",
	"sqlstore.Backend":  "a table of SQLite or PostgreSQL",
	"datastore.Backend": "Google's Datastore",
	"memcache.Backend":  "memcached",
	"valkey.Backend":    "Valkey or Redis",
	"cached.Backend":    "a cache in front of a database",
}

// Get shows the page.
func (h *SessionHandler) Get() error {
	header := h.Response.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", header.Get("Content-Security-Policy")+"; script-src 'self'; connect-src 'self'")
	user, err := h.User() // before the visits are read, so that the calls for the user are among them
	if err != nil {
		return err
	}
	data := h.watch.sides(&h.BaseHandler, h.Store(), user)
	data.Tries, data.Words = tries, words
	if visit := visitOf(h.Context()); visit != nil {
		v := visit.visitor
		data.Down = int((v.down() + time.Second - 1) / time.Second)
		v.mutex.Lock()
		data.Tried = v.tried
		if h.Request.Method != http.MethodHead { // whose response shows nothing
			v.tried = nil
		}
		v.mutex.Unlock()
		data.Visits, data.Change, _ = v.since(0)
		slices.Reverse(data.Visits) // newest first
		shown := min(newestVisits, len(data.Visits))
		for shown < len(data.Visits) && data.Visits[shown].Own {
			shown++
		}
		data.Visits, data.Older = data.Visits[:shown], data.Visits[shown:]
	}
	return h.Render("session", data)
}

// sides returns what the browser and the server have. Store reads the sessions, and user is who
// has logged in, or nil.
func (w *Watch) sides(h *handlers.BaseHandler, store *sessions.Store, user *auth.User) sessionData {
	data := sessionData{Statuses: statuses, Others: w.others(h)}
	for _, spec := range w.specs {
		data.Sessions = append(data.Sessions, view(h, store.Named(spec.Name), spec, user))
	}
	return data
}

// view returns the state of one session.
func view(h *handlers.BaseHandler, session *sessions.Session, spec sessions.Spec, user *auth.User) sessionView {
	v := sessionView{Name: spec.Name, Status: session.Status(), Cookie: cookieName(spec)}
	v.Means = meaning(v.Status)
	if sent := h.Request.CookiesNamed(v.Cookie); len(sent) > 0 {
		v.Sent, v.Size = len(sent), cookieSize(sent[0])
		v.Parts = parts(sent[0].Value)
		if data, ok := cookieData(sent[0].Value); ok && spec.Backend == nil && v.Status == sessions.StatusLoaded {
			v.times(spec, sessions.Record{Data: data}.Info(""))
		}
	}
	if spec.Backend != nil {
		v.Backend = strings.TrimPrefix(fmt.Sprintf("%T", spec.Backend), "*")
		v.BackendMeans = backends[v.Backend]
		v.ID = session.ID()
		ctx, cancel := context.WithTimeout(h.Context(), time.Second)
		defer cancel()
		if v.ID == "" {
			v.Missing = true
		} else if record, err := spec.Backend.Load(ctx, v.ID); err != nil || record.IsTombstone() {
			v.Missing = true
		} else {
			v.Bytes, v.Version = len(record.Data), brief(record.Version)
			v.times(spec, record.Info(v.ID))
		}
	}
	v.Attributes = attributes(spec, v.Remembered)
	v.User = session.User()
	if user != nil && user.ID == v.User {
		v.UserName = user.Name
	}
	for key, each := range session.All() {
		if len(v.Values) == 30 {
			break
		}
		v.Values = append(v.Values, value{cut(key, 40), cut(fmt.Sprint(each), 100)})
	}
	return v
}

// others returns the cookies of the demo that have no session, and up to 20 more that the
// browser has sent, such as those of another program on this host.
func (w *Watch) others(h *handlers.BaseHandler) []otherCookie {
	list := []otherCookie{
		{Name: "known-browser", Purpose: "A login sets it. Wrong passwords that others try do not lock you out of a browser that has it."},
		{Name: "ended", Purpose: "A logout sets it for one second. It makes the Back button ask for a page again instead of showing an old one."},
		{Name: handlers.LanguageCookie, Purpose: "A choice of a language in the footer sets it."},
		{Name: watchCookie, Purpose: "It is for this page only: it tells which requests are yours."},
	}
	known := len(list)
	for _, sent := range h.Request.Cookies() {
		name := strings.TrimPrefix(sent.Name, "__Host-")
		if slices.ContainsFunc(w.specs, func(s sessions.Spec) bool { return cookieName(s) == sent.Name }) {
			continue
		}
		if i := slices.IndexFunc(list[:known], func(c otherCookie) bool { return c.Name == name }); i >= 0 {
			list[i].Name, list[i].Size = sent.Name, cookieSize(sent)
			continue
		}
		if len(list) < known+20 {
			list = append(list, otherCookie{cut(sent.Name, 40), "The demo does not use it. Another program on this host has set it.", cookieSize(sent)})
		}
	}
	return list
}

// cookieSize returns the size of a cookie in bytes: its name, "=" and its value.
func cookieSize(c *http.Cookie) int { return len(c.Name) + len("=") + len(c.Value) }

func (v *sessionView) times(spec sessions.Spec, info sessions.SessionInfo) {
	idle, usual, absolute := spec.IdleTimeout, 30*time.Minute, cmp.Or(spec.AbsoluteTimeout, 12*time.Hour)
	if info.Login.Remembered {
		idle, usual, absolute = spec.RememberIdle, 30*24*time.Hour, cmp.Or(spec.RememberAbsolute, 90*24*time.Hour)
	}
	if spec.Backend != nil { // without one, there is no idle timeout unless the Spec sets it
		idle = cmp.Or(idle, usual)
	}
	v.Created, v.Seen = info.Created, info.Seen
	if idle > 0 {
		v.Noted = inWords(min(idle/5, time.Hour))
	}
	v.Idle, v.Absolute = until(info.Seen, idle), until(info.Created, absolute)
	v.LoginBy, v.Remembered = info.Login.Method, info.Login.Remembered
}

// cookieName returns the name of the cookie of a session, with its prefix.
func cookieName(spec sessions.Spec) string {
	switch {
	case spec.Insecure:
		return spec.Name
	case spec.Domain == "" && spec.Path == "":
		return "__Host-" + spec.Name
	}
	return "__Secure-" + spec.Name
}

// attributes explains what each attribute of a session's cookie prevents.
func attributes(spec sessions.Spec, remembered bool) []attribute {
	list := []attribute{
		{"HttpOnly", "No script can read it. A script that somebody smuggles into a page cannot send it away."},
		{"SameSite=Lax", "Forms and pictures of other sites do not bring it, so that they cannot act in your name."},
	}
	if spec.Insecure {
		list = append(list, attribute{"no Secure", "This demo runs on plain http. A real site has Secure, so that the cookie never travels unencrypted, and a name that begins with __Host-, so that no other host can set it."})
	} else {
		list = append(list, attribute{"Secure, " + cookieName(spec), "It never travels unencrypted, and no other host can set it."})
	}
	if spec.Persistent || remembered {
		return append(list, attribute{"Max-Age", "It outlives the browser. Without it, the browser forgets it when it is closed."})
	}
	return append(list, attribute{"no Max-Age", "The browser forgets it when it is closed, unless a login is remembered."})
}

// parts splits the value of a cookie into its parts. Secret parts are masked.
func parts(text string) []part {
	date, payload, mac, ok := cutCookie(text)
	if !ok {
		return []part{{Name: "the value", Text: "…", Means: "It does not have the form of our cookies."}}
	}
	list := []part{{Name: "date", Text: date.UTC().Format("2 Jan 15:04:05 UTC"), Means: "When it was signed."}}
	switch {
	case len(payload) == 34 && payload[0] == 1 && payload[1] == 'i':
		list = append(list,
			part{Name: "payload", Text: "1, i", Means: "Version 1 of the format. The i says that an id follows."},
			part{Name: "id", Text: mask(payload[2:]), Means: "32 random bytes. The server keeps only its hash.", Secret: true})
	case len(payload) > 2 && payload[0] == 1 && payload[1] == 'd':
		list = append(list, part{Name: "payload", Text: printable(payload), Means: "The version of the format, that data follows, and the data itself, " + strconv.Itoa(len(payload)-2) + " bytes. Anybody who has the cookie can read it: the column “The server” lists its values. Nobody can change it, because of the signature."})
	default:
		list = append(list, part{Name: "payload", Text: mask(payload), Means: "Encrypted.", Secret: true})
	}
	return append(list, part{Name: "signature", Text: mask(mac), Means: "HMAC-SHA256 of the cookie's name, the site, the date and the payload, with a key that only the server has.", Secret: true})
}

// cutCookie splits a cookie in the format of gorilla/securecookie without verifying it.
func cutCookie(text string) (date time.Time, payload, mac []byte, ok bool) {
	all, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		return date, nil, nil, false
	}
	dated, rest, _ := bytes.Cut(all, []byte("|"))
	sealed, mac, found := bytes.Cut(rest, []byte("|"))
	seconds, err := strconv.ParseInt(string(dated), 10, 64)
	if !found || err != nil {
		return date, nil, nil, false
	}
	payload, err = base64.URLEncoding.DecodeString(string(sealed))
	return time.Unix(seconds, 0), payload, mac, err == nil
}

// cookieData returns the data in a cookie, if it is not encrypted.
func cookieData(text string) (data []byte, ok bool) {
	_, payload, _, ok := cutCookie(text)
	if !ok || len(payload) < 3 || payload[0] != 1 || payload[1] != 'd' {
		return nil, false
	}
	return payload[2:], true
}

// mask shows the first two bytes of a secret.
func mask(secret []byte) string {
	return fmt.Sprintf("%x… (%d bytes)", secret[:min(2, len(secret))], len(secret))
}

// printable shows bytes as text, with a dot for each run of bytes that are not printable.
func printable(data []byte) string {
	return strings.TrimSpace(unprintable.ReplaceAllLiteralString(string(data[:min(len(data), 300)]), " · "))
}

var unprintable = regexp.MustCompile(`[^ -~]+`)

// Post tries what the form value "try" names, and shows the page again.
func (h *SessionHandler) Post() error {
	if err := h.ParseFields(formBytes); err != nil {
		return err
	}
	visit := visitOf(h.Context())
	if visit == nil {
		return h.Abort(http.StatusConflict, "Open the page /session in a browser first.")
	}
	name := h.Request.PostForm.Get("try")
	for _, try := range tries {
		if try.ID != name {
			continue
		}
		result := &trial{Title: try.Title}
		if err := try.run(h, visit.visitor, result); err != nil {
			return err
		}
		visit.visitor.mutex.Lock()
		visit.visitor.tried = result
		visit.visitor.mutex.Unlock()
		path, err := h.URL("session")
		if err != nil {
			return err
		}
		return h.Redirect(path)
	}
	return h.Abort(http.StatusBadRequest, "There is nothing of this name to try.")
}
