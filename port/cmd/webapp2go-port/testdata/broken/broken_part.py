import webapp2

class Broken(:
    pass

class Half(webapp2.RequestHandler):
    def get(self):
        pass
