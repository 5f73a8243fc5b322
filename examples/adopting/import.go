package adopting

import (
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"
	gorilla "github.com/gorilla/sessions"

	"github.com/webapp2go/webapp2go/sessions"
)

// FromSCS returns an Import of the sessions that scs keeps, so that nobody is logged out.
// UserKey is the key under which the old program kept the id of the user who is logged in.
// The store of old must still be there. Take the Import out after old.Lifetime.
func FromSCS(old *scs.SessionManager, userKey string) *sessions.Import {
	return &sessions.Import{
		Cookie: old.Cookie.Name,
		Domain: old.Cookie.Domain,
		Path:   old.Cookie.Path,
		Read: func(r *http.Request) (found sessions.Imported) {
			cookie, err := r.Cookie(old.Cookie.Name)
			if err != nil {
				return found
			}
			ctx, err := old.Load(r.Context(), cookie.Value)
			if err != nil {
				return found // the store does not respond: the visitor is not logged in, for now
			}
			found.Values = map[string]any{}
			for _, key := range old.Keys(ctx) {
				found.Values[key] = old.Get(ctx, key)
			}
			found.User = takeUser(found.Values, userKey)
			return found
		},
	}
}

// FromGorilla returns an Import of the sessions of gorilla/sessions under a name. They are
// those of gin-contrib/sessions too, whose cookie store is this one. UserKey is the key of
// the user's id. Options are those that the old program set.
func FromGorilla(old gorilla.Store, name, userKey string, options gorilla.Options) *sessions.Import {
	return &sessions.Import{
		Cookie: name,
		Domain: options.Domain,
		Path:   options.Path,
		Read: func(r *http.Request) (found sessions.Imported) {
			session, err := old.New(r, name)
			if err != nil || session.IsNew {
				return found
			}
			found.Values = map[string]any{}
			for key, value := range session.Values {
				if text, ok := key.(string); ok && text != "_flash" {
					found.Values[text] = value
				}
			}
			found.User = takeUser(found.Values, userKey)
			return found
		},
	}
}

// takeUser takes the user's id out of the values and returns it as text.
func takeUser(values map[string]any, key string) string {
	value, ok := values[key]
	delete(values, key)
	if !ok || value == nil || value == 0 || value == "" {
		return ""
	}
	return fmt.Sprint(value)
}
