package datastore

import (
	"context"
	"sync"
)

// turns make the changes of one session wait for each other within this process. Requests
// of one browser often come at the same time, and their transactions would abort each
// other in Datastore, at half a dozen calls each. With turns, a change finds out without
// a call that another one was faster. Between processes the transactions decide. The zero
// value is ready; a session that is not being changed takes no memory.
type turns struct {
	shards [64]struct {
		mu  sync.Mutex
		ids map[string]*turn
	}
}

type turn struct {
	taken  chan struct{} // holds one value while somebody has the turn
	users  int           // how many have it or wait for it; guarded by the shard
	newest uint64        // the version of the last change; 0 if none was seen; for the one who has the turn
}

// take waits until it is the caller's turn to change id. The caller then calls pass.
func (t *turns) take(ctx context.Context, id string) (*turn, error) {
	shard := &t.shards[id[0]%64]
	shard.mu.Lock()
	mine := shard.ids[id]
	if mine == nil {
		if shard.ids == nil {
			shard.ids = make(map[string]*turn)
		}
		mine = &turn{taken: make(chan struct{}, 1)}
		shard.ids[id] = mine
	}
	mine.users++
	shard.mu.Unlock()
	select {
	case mine.taken <- struct{}{}:
		return mine, nil
	case <-ctx.Done():
		t.leave(id, mine)
		return nil, ctx.Err()
	}
}

func (t *turns) pass(id string, mine *turn) {
	<-mine.taken
	t.leave(id, mine)
}

func (t *turns) leave(id string, mine *turn) {
	shard := &t.shards[id[0]%64]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(shard.ids, id)
	}
}
