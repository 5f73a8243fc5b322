import os
import urllib

from google.appengine.api import users
from google.appengine.ext import ndb

import jinja2
import webapp2

JINJA_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
    autoescape=True)


class Author(ndb.Model):
    identity = ndb.StringProperty(indexed=False)
    email = ndb.StringProperty(indexed=False)


class Greeting(ndb.Model):
    author = ndb.StructuredProperty(Author)
    content = ndb.StringProperty(indexed=False)
    date = ndb.DateTimeProperty(auto_now_add=True)


class MainPage(webapp2.RequestHandler):

    def get(self):
        name = self.request.get('guestbook_name', 'default')
        greetings = Greeting.query(ancestor=ndb.Key('Guestbook', name)).fetch(10)
        template = JINJA_ENVIRONMENT.get_template('index.html')
        self.response.write(template.render({'greetings': greetings}))


class Guestbook(webapp2.RequestHandler):

    def post(self):
        name = self.request.get('guestbook_name', 'default')
        greeting = Greeting(parent=ndb.Key('Guestbook', name))
        if users.get_current_user():
            greeting.author = Author(email=users.get_current_user().email())
        greeting.content = self.request.get('content')
        greeting.put()
        self.redirect('/?' + urllib.urlencode({'guestbook_name': name}))


app = webapp2.WSGIApplication([
    ('/', MainPage),
    ('/sign', Guestbook),
], debug=True)
