package auth_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/authtest"
)

func TestMemory(t *testing.T) {
	authtest.Run(t, func(*testing.T) auth.Backend { return auth.NewMemory() })
}

func TestMemoryIsBounded(t *testing.T) {
	m := auth.NewMemory()
	m.MaxUsers = 3
	for i := range 3 {
		if err := m.Create(t.Context(), &auth.User{Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	err := m.Create(t.Context(), &auth.User{Name: "one more"})
	if err == nil || errors.Is(err, auth.ErrExists) {
		t.Errorf("the fourth user of 3: %v", err)
	}
	m.MaxUsers = -1
	if err := m.Create(t.Context(), &auth.User{Name: "one more"}); err != nil {
		t.Errorf("the fourth user without a limit: %v", err)
	}
}
