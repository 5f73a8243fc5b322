package sessions_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A cluster keeps each session on the node that the first letter of its id names. Here
// the node of the small letters is down.
type cluster struct{ *sessions.Memory }

func (c cluster) Create(ctx context.Context, id string, r sessions.Record) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	if 'a' <= id[0] && id[0] <= 'z' {
		return fmt.Errorf("%w: connection refused", sessions.ErrUnavailable)
	}
	return c.Memory.Create(ctx, id, r)
}

// A caller that chooses the id of a record tries another id, a few times.
func ExampleErrUnavailable() {
	backend := cluster{sessions.NewMemory()}
	create := func() error {
		var id [32]byte
		rand.Read(id[:])
		record := sessions.Record{Data: []byte("data"), Expires: time.Now().Add(time.Hour)}
		return backend.Create(context.Background(), base64.RawURLEncoding.EncodeToString(id[:]), record)
	}
	err := create()
	for tries := 1; tries < 100 && errors.Is(err, sessions.ErrUnavailable); tries++ {
		err = create()
	}
	fmt.Println(err)
	// Output: <nil>
}
