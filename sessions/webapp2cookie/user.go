package webapp2cookie

import "strconv"

// userID returns the id of the user who is logged in, from the dictionary of
// webapp2_extras.auth's cookie. Its ids were strings or whole numbers, which
// arrive in decimal; anything else is nobody.
func userID(dictionary map[string]any) (id string, ok bool) {
	list, _ := dictionary["_user"].([]any)
	if len(list) == 0 {
		return "", false
	}
	switch id := list[0].(type) {
	case string:
		return id, id != ""
	case int64:
		return strconv.FormatInt(id, 10), true
	}
	return "", false
}
