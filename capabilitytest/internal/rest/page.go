package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-6c737938/capability/capabilitytest/internal/exchange"
)

const (
	defaultPageSize = 50
	maxPageSize     = 1000
)

// page answers a list. The token of a page names the last resource of the one before, so that
// no resource is missed, or read twice, when there are new ones meanwhile.
func page[T any](q *request, name string, all []T, id func(T) string, show func(T) any) (int, any, *exchange.Fault) {
	const most = 1<<31 - 1
	size := q.integer("PageSize", 0, defaultPageSize, 1, most)
	if size > maxPageSize {
		q.fail(20007, "Page size too large: it is %d, and the most is %d", size, maxPageSize)
	}
	number := q.integer("Page", 0, 0, 0, most)
	if q.fault != nil {
		return 0, nil, q.fault
	}
	start := min(number*size, len(all))
	if token := q.text("PageToken"); token != "" {
		last, ok := strings.CutPrefix(token, "PA")
		if !ok {
			return 0, nil, &exchange.Fault{Code: 21481, Message: "PageToken is not valid: use the URIs of the page before"}
		}
		for i, item := range all {
			if id(item) == last {
				start = i + 1
			}
		}
	}
	end := min(start+size, len(all))
	shown := make([]any, 0, end-start)
	for _, item := range all[start:end] {
		shown = append(shown, show(item))
	}
	answer := map[string]any{
		name: shown, "page": number, "page_size": size,
		"start": number * size, "end": max(number*size, number*size+len(shown)-1),
		"uri": q.http.URL.RequestURI(), "first_page_uri": q.pageURI(0, size, ""),
		"next_page_uri": nil, "previous_page_uri": nil,
	}
	if end < len(all) {
		answer["next_page_uri"] = q.pageURI(number+1, size, id(all[end-1]))
	}
	if number > 0 {
		before := ""
		if first := start - size - 1; first >= 0 {
			before = id(all[first])
		}
		answer["previous_page_uri"] = q.pageURI(number-1, size, before)
	}
	return http.StatusOK, answer, nil
}

// pageURI returns the URI of a page, after the resource with the given ID if that is not "".
func (q *request) pageURI(number, size int, after string) string {
	query := url.Values{}
	for name, values := range q.http.URL.Query() {
		query[name] = values
	}
	query.Set("Page", strconv.Itoa(number))
	query.Set("PageSize", strconv.Itoa(size))
	query.Del("PageToken")
	if after != "" {
		query.Set("PageToken", "PA"+after)
	}
	return q.root() + q.path + ".json?" + query.Encode()
}
