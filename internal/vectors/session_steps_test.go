package vectors

import (
	"encoding/json"
	"fmt"

	"github.com/webapp2go/webapp2go/sessions"
)

func (s *script) session(step step) *sessions.Session { return s.store.Named(step.Session) }

// sessionStep runs the operations on sessions.
func (s *script) sessionStep(step step) error {
	if s.store == nil {
		return fmt.Errorf("op %q without a session", step.Op)
	}
	session := s.session(step)
	switch step.Op {
	case "session_get":
		fmt.Fprint(s, pythonJSON(session.Get(step.Key)))
	case "session_set":
		session.Set(step.Key, goValue(step.Value))
	case "session_dump":
		s.dump(session)
	case "session_pop":
		value := session.Pop(step.Key)
		if value == nil && step.Default != nil {
			value = goValue(step.Default)
		}
		fmt.Fprint(s, pythonJSON(value))
	case "session_update":
		for key, value := range goValue(step.Value).(map[string]any) {
			session.Set(key, value)
		}
	case "session_clear":
		session.Clear()
	case "session_del":
		session.Delete(step.Key)
	case "session_append":
		list, _ := session.Get(step.Key).([]any)
		_ = append(list, goValue(step.Value)) // in place: nothing is set
	case "session_setdefault":
		if session.Get(step.Key) == nil {
			session.Set(step.Key, goValue(step.Value))
		}
		fmt.Fprint(s, pythonJSON(session.Get(step.Key)))
	case "session_incr":
		fmt.Fprint(s, session.Incr(step.Key, 1))
	case "session_new":
		session.Get("")
		fmt.Fprint(s, session.Status() == sessions.StatusNew)
	case "session_args": // what a Spec says for all requests
	case "flash_add":
		session.AddFlash(goValue(step.Value), step.Level)
	case "flash_get":
		fmt.Fprint(s, pythonJSON(flashList(session.Flashes())))
	case "set_secure_cookie":
		for key, value := range goValue(step.Value).(map[string]any) {
			s.store.Named(step.Name).Set(key, value)
		}
	case "get_secure_cookie":
		s.dump(s.store.Named(step.Name))
	default:
		return fmt.Errorf("unknown op %q", step.Op)
	}
	return nil
}

// dump writes the whole of a session, null if webapp2's cookie was refused.
func (s *script) dump(session *sessions.Session) {
	contents := make(map[string]any)
	for key, value := range session.All() {
		contents[key] = value
	}
	if session.Status() != sessions.StatusLoaded && len(contents) == 0 {
		fmt.Fprint(s, "null")
		return
	}
	fmt.Fprint(s, pythonJSON(contents))
}

// goValue is the value that a Go program would write for one of Python's.
func goValue(text json.RawMessage) any {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil
	}
	if f, ok := v.(float64); ok && f == float64(int64(f)) {
		return int64(f)
	}
	return v
}
