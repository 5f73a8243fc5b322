import webapp2
from broken_part import Half

class A(webapp2.RequestHandler):
    def get(self):
        x = = 3

class B(webapp2.RequestHandler):
    def get(self):
        exec open('x').read() in {}
    def post(self):
        pass

app = webapp2.WSGIApplication([('/a', A), ('/b', B), ('/half', Half), ('/b', A)])
