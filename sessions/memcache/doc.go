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
// memcached is a cache: a session that lives there alone is gone when its server is
// restarted, flushed or short of memory, and its user begins a new one. Where that is
// too little, package cached puts memcached before a store that lasts.
//
// While a session is there, no update is lost and none brings it back after its end:
// a record is made by add, changed by cas and never by set. It is no
// [sessions.UserBackend]. memcached has no index, and a list of a user's sessions that
// is one more item would be evicted apart from them: ending "all" of them would then
// end some, and say nothing.
//
// # Versions
//
// A version is memcached's CAS id, so a request that reads costs one get and one that
// writes a get and a cas. CAS ids begin anew at 1 when a server restarts, and yet one
// from before can never match: the restarted server is empty, and an id that has no
// record is never given one again, since [sessions.Manager] makes a new id for every
// new session. A tombstone is no exception: it is written by cas over a record that
// is there. The one caller that adds a key again is a cache that is filled anew: what
// it keeps for two minutes or less, as package cached does, is told apart by a random
// tag of each write instead, which no restart repeats.
//
// # Failures
//
// A command that fails because the server closed an idle connection, as every restart
// does, is sent once more. An add or a cas may then have been carried out the first
// time: the tag in the value tells. Where another writer has already replaced it, the
// update fails with an error of its own and not with [sessions.ErrConflict], since a
// caller that applied its changes again might count them twice.
//
// gomemcache knows no [context.Context]: a context that is over is seen before each
// command, and a command takes Config.Timeout at most to dial and as long again for
// all of its reply. A server that is silent three times in a row is left alone: all calls
// for its sessions fail at once, except one that tries the server after 100 ms, and then
// after pauses that double up to a second, until it answers. Calls that wait at the same
// time are silent once, so a stall of less than three timeouts costs the calls that it
// meets and no others. A server that refuses connections needs no such care: that takes
// no time, and ends when it is back.
//
// A new session begins on another server meanwhile: Create returns
// [sessions.ErrUnavailable], and its caller makes another id. The sessions of a server
// that is down do not move to another one. Each would be missing there and, worse, come
// back when its own server does: logged in after a logout, or as it was before the
// changes made elsewhere. And two instances that do not agree on who is down would keep
// two of them.
//
// Servers are chosen by rendezvous hashing: one more or one less of n moves about one
// session in n. The protocol has neither passwords nor encryption here: the servers
// belong in a private network.
package memcache
