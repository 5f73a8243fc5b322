// Package memcache keeps sessions in memcached.
//
//	backend, err := memcache.New(memcache.Config{
//		Servers: []string{"10.0.0.5:11211", "10.0.0.6:11211"},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	manager, err := sessions.New(sessions.Config{
//		Keys:     keys,
//		Sessions: []sessions.Spec{{Backend: backend}},
//	})
//
// # What it promises
//
// memcached is a cache: if a session is kept there alone, it is lost when its server is
// restarted, flushed or short of memory. Its user is then logged out (StatusGone), and the
// next change begins a new session. If that is not enough, use package cached, which puts
// memcached in front of a store that lasts.
//
// As long as memcached has a session, no update is lost, and no update brings the session
// back after its end: a record is made by add, changed by cas, and never by set. A
// Backend is not a [sessions.UserBackend]. memcached has no index, and it could evict a
// list of a user's sessions before the sessions, so that EndUser would end only some of
// them without an error.
//
// # Versions
//
// A version is memcached's CAS id, so a request that reads costs one get, and one that
// writes costs a get and a cas. When a server restarts, its CAS ids begin again at 1. An
// old one still cannot match a new record: the restarted server is empty, and no id gets
// a second record, because [sessions.Manager] makes a new id for every new session. A
// tombstone is written by cas over an existing record. Package cached does add a key
// again, so a record that expires within two minutes, as all of its records do, is told
// from others by a random tag in place of the CAS id.
//
// # Failures
//
// A command that fails because the server has closed an idle connection, as it does when
// it restarts, is sent once more. An add or a cas may then have been carried out the
// first time; the tag in the value shows that. If another writer has already replaced the
// value, the update returns another error than [sessions.ErrConflict], because a caller
// that applied its changes again might count them twice.
//
// gomemcache has no [context.Context]. A context is checked before each command, and a
// command takes at most Config.Timeout to dial and the same time again for all of its
// reply. A request whose session cannot be read gets 503, or an empty session if it only
// reads and Spec.WhenDown is EmptyWhenDown. A server that has been silent three times in a row is not asked for a while:
// calls for its sessions fail at once, except one that tries the server after 100 ms, and
// then after pauses that double up to a second, until it responds. Calls that wait at the
// same time count as silent once, so a stall that is shorter than three timeouts fails
// only the calls that wait during it. A server that refuses connections fails its calls
// at once, so it is asked each time.
//
// Meanwhile a new session begins on another server: Create returns
// [sessions.ErrUnavailable], and its caller makes another id. The sessions of a server
// that is down do not move to another server. They would be missing there and would come
// back with their own server: logged in after a logout, or without the changes made
// since. And two instances that do not agree on which server is down would keep two
// versions of a session.
//
// Servers are chosen by rendezvous hashing: adding or removing one of n servers moves
// about one session in n. The connections have neither passwords nor encryption, so the
// servers belong in a private network.
//
// The package example is a site with such a Backend.
package memcache
