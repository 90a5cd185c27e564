package snippets_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability"
	"github.com/seed-6c737938/capability/capabilityhttp"
)

func tokenHandler(template *capability.CapabilityToken) http.Handler {
	return capabilityhttp.Handler(func(r *http.Request) (*capability.CapabilityToken, error) {
		return tokenFor(template, userOf(r))
	})
}

func chiRouter(template *capability.CapabilityToken) http.Handler {
	router := chi.NewRouter()
	router.Method(http.MethodGet, "/token", tokenHandler(template))
	return router
}

func ginRouter(template *capability.CapabilityToken, signIn gin.HandlerFunc) http.Handler {
	router := gin.New()
	router.GET("/token", signIn, func(c *gin.Context) {
		token, err := tokenFor(template, c.GetString("user"))
		capabilityhttp.Write(c.Writer, c.Request, token, err)
	})
	return router
}

func echoRouter(template *capability.CapabilityToken, signIn echo.MiddlewareFunc) http.Handler {
	router := echo.New()
	router.GET("/token", func(c echo.Context) error {
		user, _ := c.Get("user").(string)
		token, err := tokenFor(template, user)
		capabilityhttp.Write(c.Response(), c.Request(), token, err)
		return nil
	}, signIn)
	return router
}

func TestRouters(t *testing.T) {
	gin.SetMode(gin.TestMode)
	template := newTemplate(t)
	for name, router := range map[string]http.Handler{
		"net/http": tokenHandler(template),
		"chi":      chiRouter(template),
		"gin": ginRouter(template, func(c *gin.Context) {
			c.Set("user", userOf(c.Request))
		}),
		"echo": echoRouter(template, func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				c.Set("user", userOf(c.Request()))
				return next(c)
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			refusal := ask(router, "")
			assert.Equal(t, http.StatusUnauthorized, refusal.Code)
			assert.Equal(t, `{"error":"sign in first"}`, refusal.Body.String())

			answer := ask(router, "tommy@example.com")
			assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
			user, err := capability.DecodeClientName(readAnswer(t, answer, "secret").ClientName())
			require.NoError(t, err)
			assert.Equal(t, "tommy@example.com", user)
		})
	}
}
