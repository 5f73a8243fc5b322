package memcache

import (
	"fmt"
	"slices"
	"testing"
)

// ranked returns servers with only a name, for pick.
func ranked(names ...string) []*server {
	var servers []*server
	for _, name := range names {
		servers = append(servers, &server{address: address{"tcp", name}, seed: hash(name)})
	}
	return servers
}

const manyIDs = 30000

func manyID(i int) string { return fmt.Sprintf("%043d", i) } // similar, as hashes of ids never are

func TestServersShareAlike(t *testing.T) {
	for _, n := range []int{2, 3, 5, 10} {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("10.0.0.%d:11211", i+1))
		}
		servers, kept := ranked(names...), map[string]int{}
		for i := range manyIDs {
			kept[pick(servers, manyID(i)).name]++
		}
		for _, name := range names {
			if share := float64(kept[name]) * float64(n) / manyIDs; share < 0.9 || share > 1.1 {
				t.Errorf("of %d servers %s keeps %.2f of its share", n, name, share)
			}
		}
	}
}

func TestJoiningMovesOneShare(t *testing.T) {
	names := []string{"a:1", "b:1", "c:1", "d:1"}
	four, five := ranked(names...), ranked(append(names, "e:1")...)
	moved := 0
	for i := range manyIDs {
		before, after := pick(four, manyID(i)).name, pick(five, manyID(i)).name
		if before == after {
			continue
		}
		moved++
		if after != "e:1" {
			t.Fatalf("an id has moved from %s to %s, which is not the new one", before, after)
		}
	}
	if share := float64(moved) * 5 / manyIDs; share < 0.9 || share > 1.1 {
		t.Errorf("%d of %d ids have moved, want a fifth", moved, manyIDs)
	}
}

func TestOrderOfServersDoesNotMatter(t *testing.T) {
	servers := ranked("a:1", "b:1", "c:1")
	backwards := slices.Clone(servers)
	slices.Reverse(backwards)
	for i := range 1000 {
		if pick(servers, manyID(i)) != pick(backwards, manyID(i)) {
			t.Fatal("the order decides")
		}
	}
}

// TestHash checks that the hash is the published FNV-1a. With another hash every session would
// move at the next release.
func TestHash(t *testing.T) {
	for text, want := range map[string]uint64{"": 0xcbf29ce484222325, "a": 0xaf63dc4c8601ec8c, "foobar": 0x85944171f73967e8} {
		if got := hash(text); got != want {
			t.Errorf("hash(%q) = %x, want %x", text, got, want)
		}
	}
}
