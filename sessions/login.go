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

// A login is a Login as the contents keep it.
type login struct {
	made                               bool // there was one
	at                                 int64
	remembered                         bool
	credential, method, agent, address string
}

func (l Login) private() login {
	return login{
		made: true, at: l.At.UnixMilli(), remembered: l.Remembered,
		credential: cut(l.Credential, maxDetail), method: cut(l.Method, maxDetail),
		agent: cut(l.Agent, maxAgent), address: cut(l.Address, maxDetail),
	}
}

func (l *login) public() Login {
	if !l.made {
		return Login{}
	}
	return Login{time.UnixMilli(l.at), l.remembered, l.credential, l.method, l.agent, l.address}
}

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

func (l *login) size() int {
	return 32 + len(l.credential) + len(l.method) + len(l.agent) + len(l.address)
}

func (l *login) append(to []byte) []byte {
	remembered := byte(cborFalse)
	if l.remembered {
		remembered = cborTrue
	}
	to = appendHead(to, cborArray, 6)
	to = append(appendHead(to, cborUint, uint64(l.at)), cborSimple<<5|remembered)
	for _, text := range [...]string{l.credential, l.method, l.agent, l.address} {
		to = appendText(to, text)
	}
	return to
}

func (l *login) parse(data string) (rest string, err error) {
	count, data, err := readCount(data, cborArray)
	if err != nil || count != 6 {
		return "", errMalformed
	}
	major, _, at, data, err := head(data)
	if err != nil || major != cborUint {
		return "", errMalformed
	}
	major, info, _, data, err := head(data)
	if err != nil || major != cborSimple || info != cborTrue && info != cborFalse {
		return "", errMalformed
	}
	l.made, l.at, l.remembered = true, int64(at), info == cborTrue
	for _, text := range [...]*string{&l.credential, &l.method, &l.agent, &l.address} {
		if *text, data, err = readText(data); err != nil {
			return "", err
		}
	}
	return data, nil
}

// repeatTime is how long a second login of the same user with the same credential is
// taken for a repetition of the first, as by a double click.
const repeatTime = 10 * time.Second

// repeats reports whether l repeats the login that made c its user's. The clock of the
// server that took the first may be a little ahead.
func (l *login) repeats(c *contents, user string) bool {
	passed := l.at - c.login.at
	return c.login.made && c.user == user && c.login.credential == l.credential &&
		c.login.remembered == l.remembered && -answerTime.Milliseconds() < passed && passed < repeatTime.Milliseconds()
}

// LogIn makes the session that of a user who has just proved who it is, by an id that
// never changes: the one way to log somebody in. The session gets a new id, so that one
// that somebody else knew before is worth nothing (OWASP, session fixation), and its
// absolute timeout begins anew. Its values stay. LogIn sets l.At. The user must not be
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
	kept := l.private()
	if !s.store.saved {
		s.proved = s.proved || l.Method != MethodImport // the word of an older system proves nothing anew
		s.renewed = s.renewed || !kept.repeats(&s.contents, user)
	}
	s.apply(loggingIn(user, kept))
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
	return s.contents.login.public(), s.contents.login.made
}
