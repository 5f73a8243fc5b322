config = dict(
    debug=True,
)
config['webapp2_extras.sessions'] = {'secret_key': u'_PUT_KEY_HERE_YOUR_SECRET_KEY_'}

def not_found(request, response, exception):
    response.set_status(404)
