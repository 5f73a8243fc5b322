package sessions

import (
	"strings"
	"time"
	"unicode/utf8"
)

// A Login is what a session keeps of the login that made it its user's. It stands apart
// from the session's keys: Set, Clear, All and an Import do not reach it.
type Login struct {
	// At is when the login was. LogIn sets it.
	At time.Time
	// Remembered lets the session outlive the browser: its cookie has a Max-Age, and
	// Spec.RememberIdle and Spec.RememberAbsolute are its timeouts.
	Remembered bool
	// Credential stands for what the user has proved, in a form that tells nothing of it.
	// If it is not the user's any more, the login has ended. Package handlers keeps
	// auth.User.Credential here.
	Credential string
	// Method names how the user was checked: "password", "link", "import" or what the site likes.
	Method string
	// Agent is the browser's own description of itself, and Address where the request
	// came from. Both are for the list that shows users where they are logged in. They
	// are personal data, end with the session, and are not kept in a signed cookie.
	Agent, Address string
}

// The bounds of a Login's texts, in bytes. What is longer is cut.
const (
	maxAgent  = 256
	maxDetail = 128
	maxLogin  = maxAgent + 3*maxDetail + 64 // encoded
)

// cut returns the first bytes of a text, as valid UTF-8.
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
	major, _, at, data, err := head(data)
	if err != nil || major != cborUint {
		return Login{}, "", errMalformed
	}
	major, info, _, data, err := head(data)
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

// repeatTime is how long a second login of the same user with the same credential is
// taken for a repetition of the first, as by a double click.
const repeatTime = 10 * time.Second

// repeats reports whether l repeats the login that made c its user's. The clock of the
// server that took the first may be a little ahead.
func (l *Login) repeats(c *contents, user string) bool {
	last, ok := c.loggedIn()
	passed := l.At.Sub(last.At)
	return ok && c.user == user && last.Credential == cut(l.Credential, maxDetail) &&
		last.Remembered == l.Remembered && -answerTime < passed && passed < repeatTime
}

// LogIn makes the session that of a user who has just proved who it is, by an id that
// never changes: the one way to log somebody in. The session gets a new id, so that one
// that somebody else knew before is worth nothing (OWASP, session fixation), and its
// absolute timeout begins anew. Its values stay, also those of another user: call Clear
// before, if User is another one. LogIn sets l.At. The user must not be
// empty; LogIn of nobody is an error in Err.
//
// A request that logs in works in every case: also if another one, as the first of two
// clicks, has renewed or ended the session meanwhile. Then a new session begins, with
// what this request has changed and nothing else. A second LogIn of the same user
// with the same credential, remembered or not as the first, keeps the id within ten
// seconds.
func (s *Session) LogIn(user string, l Login) {
	if user == "" {
		s.change(failing(s.cannot("log in", errNobody)))
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
		s.proved = s.proved || l.Method != MethodImport // the word of an older system proves nothing anew
		s.renewed = s.renewed || !l.repeats(&s.contents, user)
	}
	s.apply(loggingIn(user, l))
}

// LoggedInWithin reports whether the login that made the session its user's was less than
// so long ago, by the clock of the Config: what to ask before something that a session
// left open must not do (OWASP ASVS 5.0, 7.5.1). Time spent and idle renewals do not count.
func (s *Session) LoggedInWithin(d time.Duration) bool {
	l, ok := s.Login()
	return ok && s.now().Sub(l.At) < d
}

// Login returns what is known of the login that made the session its user's; ok is false
// if there was none, as after SetUser.
func (s *Session) Login() (l Login, ok bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.loggedIn()
}
