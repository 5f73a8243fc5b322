package sessions

import (
	"strings"
	"time"
	"unicode/utf8"
)

// A Login holds the details of the login of a session's user. It is kept apart from the
// session's values: Set, Clear and All do not reach it.
type Login struct {
	// At is the time of the login. LogIn sets it.
	At time.Time
	// Remembered lets the session outlive the browser: its cookie has a Max-Age, and
	// Spec.RememberIdle and Spec.RememberAbsolute are its timeouts.
	Remembered bool
	// Credential is a fingerprint of the user's credential, such as the password, that does
	// not reveal it. Package handlers keeps auth.User.Credential here, and ends the login
	// once the user's is another one.
	Credential string
	// Method says how the user was checked: "password", "link", "import" or a word of the
	// site.
	Method string
	// Agent is the User-Agent of the browser, and Address the address of the request. Both
	// are for the list that shows users where they are logged in. They are personal data,
	// end with the session, and are not kept in a signed cookie.
	Agent, Address string
}

// The bounds of a Login's texts, in bytes. Longer ones are cut.
const (
	maxAgent  = 256
	maxDetail = 128
	maxLogin  = maxAgent + 3*maxDetail + 64 // encoded
)

// cut returns at most so many bytes of a text, as valid UTF-8.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text[:min(len(text), most+utf8.UTFMax)], "\uFFFD")
	if len(text) > most {
		for most > 0 && !utf8.RuneStart(text[most]) {
			most--
		}
		text = text[:most]
	}
	return text
}

// encode returns l as the contents keep it: a CBOR array of its fields.
func (l *Login) encode() string {
	remembered := byte(cborFalse)
	if l.Remembered {
		remembered = cborTrue
	}
	var room [maxLogin]byte
	b := appendHead(room[:0], cborArray, 6)
	b = append(appendHead(b, cborUint, uint64(l.At.UnixMilli())), cborSimple<<5|remembered)
	b = appendText(b, cut(l.Credential, maxDetail))
	b = appendText(b, cut(l.Method, maxDetail))
	b = appendText(b, cut(l.Agent, maxAgent))
	b = appendText(b, cut(l.Address, maxDetail))
	return string(b)
}

// readLogin reads an encoded Login.
func readLogin(data string) (l Login, rest string, err error) {
	count, data, err := readCount(data, cborArray)
	if err != nil || count != 6 {
		return Login{}, "", errMalformed
	}
	major, _, at, data, err := readHead(data)
	if err != nil || major != cborUint {
		return Login{}, "", errMalformed
	}
	major, info, _, data, err := readHead(data)
	if err != nil || major != cborSimple || info != cborTrue && info != cborFalse {
		return Login{}, "", errMalformed
	}
	l.At, l.Remembered = time.UnixMilli(int64(at)), info == cborTrue
	for _, text := range [...]*string{&l.Credential, &l.Method, &l.Agent, &l.Address} {
		if *text, data, err = readText(data); err != nil {
			return Login{}, "", err
		}
	}
	return l, data, nil
}

// repeatTime is how long after a login another one of the same user with the same
// credential is the same login, as after a double click.
const repeatTime = 10 * time.Second

// repeats reports whether l repeats the login of c. The clock of the server of the first one
// may be a little ahead.
func (l *Login) repeats(c *contents, user string) bool {
	last, ok := c.loggedIn()
	passed := l.At.Sub(last.At)
	return ok && c.user == user && last.Credential == cut(l.Credential, maxDetail) &&
		last.Remembered == l.Remembered && -responseTime < passed && passed < repeatTime
}

// LogIn makes the session that of a user who has just proved who they are, given by an id
// that never changes. The session gets a new id, so that an id that somebody knew before is
// of no use (OWASP, session fixation), and its absolute timeout begins again. Its values
// stay, also those of another user: call Clear first if [Session.User] is another one.
// LogIn sets l.At. If user is empty, Err returns an error.
//
// A login succeeds even if another request, such as the first of two clicks, has renewed or
// ended the session meanwhile. Then a new session begins, which holds the changes of this
// request only. A second LogIn within ten seconds, of the same user with the same
// Credential and Remembered, keeps the id.
func (s *Session) LogIn(user string, l Login) {
	if user == "" {
		s.change(failOp(s.cannot("log in", errNobody)))
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	l.At = s.now()
	if s.spec.Backend == nil {
		l.Agent, l.Address = "", ""
	}
	if !s.store.saved {
		s.proved = s.proved || l.Method != MethodImport // an older system proves nothing new
		s.renewed = s.renewed || !l.repeats(&s.contents, user)
	}
	s.apply(logInOp(user, l))
}

// LoggedInWithin reports whether the user logged in less than d ago, by Config.Now. Call
// it before an action that nobody should be able to do in a session that was left open
// (OWASP ASVS 5.0, 7.5.1). Using the session does not extend the time.
func (s *Session) LoggedInWithin(d time.Duration) bool {
	l, ok := s.Login()
	return ok && s.now().Sub(l.At) < d
}

// Login returns the details of the login; ok is false if there are none, as after SetUser.
func (s *Session) Login() (l Login, ok bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.loggedIn()
}
