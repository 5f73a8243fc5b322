package memcache

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestItemFormat(t *testing.T) {
	for name, r := range map[string]sessions.Record{
		"data and user": {Data: []byte("\r\nEND\r\n\x00"), User: "zoë", Expires: time.UnixMicro(1_800_000_000_123_456)},
		"nobody's":      {Data: []byte("data"), Expires: time.UnixMicro(1)},
		"tombstone":     {User: "the next id", Expires: time.UnixMicro(-1)},
		"long user":     {Data: []byte("data"), User: string(make([]byte, 300)), Expires: time.UnixMicro(math.MaxInt64)},
	} {
		t.Run(name, func(t *testing.T) {
			tag := newTag()
			got, ok := decode(encode(r, tag))
			if !ok || !bytes.Equal(got.Data, r.Data) || got.User != r.User || !got.Expires.Equal(r.Expires) || got.Version != tag {
				t.Errorf("got %+v, %v; want %+v with version %d", got, ok, r, tag)
			}
		})
	}
}

func TestForeignValues(t *testing.T) {
	good := encode(sessions.Record{Data: []byte("data"), User: "user"}, newTag())
	for n := range headerSize + len("user") {
		if _, ok := decode(good[:n]); ok {
			t.Errorf("%d bytes of %d make a record", n, len(good))
		}
	}
	for name, change := range map[string]func(value []byte){
		"another format": func(value []byte) { value[0] = itemFormat + 1 },
		"no tag":         func(value []byte) { clear(value[1:9]) },
		"user too long":  func(value []byte) { value[headerSize] = 0x7f },
		"length too long": func(value []byte) {
			for i := range 9 {
				value[headerSize+i] = 0xff
			}
		},
	} {
		value := append(bytes.Clone(good), make([]byte, 16)...)
		change(value)
		if r, ok := decode(value); ok {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(sessions.Record{Data: []byte("data"), User: "user"}, newTag()))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, ok := decode(value)
		if ok && len(r.User)+len(r.Data)+headerSize >= len(value) {
			t.Errorf("%d bytes hold %d of user and %d of data", len(value), len(r.User), len(r.Data))
		}
	})
}

func TestExpiration(t *testing.T) {
	now := time.Unix(1_800_000_000, 500_000_000)
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		left time.Duration
		want int32
	}{
		"past":                     {-day, -1},
		"now":                      {0, -1},
		"a nanosecond":             {1, 2},
		"just under a second":      {time.Second - 1, 2},
		"a second":                 {time.Second, 3},
		"a minute":                 {time.Minute, 62},
		"the longest from now":     {maxRelative - 2*time.Second - 1, 30*24*3600 - 1},
		"the first that is a date": {maxRelative - 2*time.Second, 1_800_000_000 + 30*24*3600},
		"30 days":                  {30 * day, 1_800_000_000 + 30*24*3600 + 2},
		"a year":                   {365 * day, 1_800_000_000 + 365*24*3600 + 2},
		"beyond 2038":              {20 * 365 * day, 0},
	} {
		if got := expiration(now.Add(c.left), now); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
