package httpx

import "net/http"

// FromOrigin tells whether a page of that origin (scheme://host[:port]) made the request, by a browser's own word for it: the
// headers that no page can forge. Sec-Fetch-Site says it outright; Origin names the page's, or is "null" where its referrer policy
// hides it, which alone says nothing.
func FromOrigin(r *http.Request, origin string) bool {
	origins, site := r.Header.Values("Origin"), r.Header.Get("Sec-Fetch-Site")
	if len(origins) > 1 || site != "" && site != "same-origin" {
		return false
	}
	if len(origins) == 1 && origins[0] != "null" {
		return origins[0] == origin
	}
	return site == "same-origin"
}
