import webapp2
import routes
import config

app = webapp2.WSGIApplication(debug=True, config=config.config)
routes.add_routes(app)
app.error_handlers[404] = config.not_found
